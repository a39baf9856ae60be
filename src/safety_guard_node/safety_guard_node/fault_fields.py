"""The fields of the guard's state that describe its faults."""

from typing import Any

from async_rl_core.safety.fault_latch import FaultLatch
from async_rl_core.safety.states import FaultKind


def fault_fields(faults: FaultLatch, clears_timing_faults: bool) -> dict[str, Any]:
    """Returns the fields of `GuardState` that count faults and describe the newest."""
    fields: dict[str, Any] = {
        "fault_kind": [kind.name.lower() for kind in FaultKind],
        "fault_count": [faults.counts[kind] for kind in FaultKind],
        "faults_cleared": faults.cleared,
        "longest_silence": faults.longest_silence,
        "clears_timing_faults": clears_timing_faults,
    }
    last = faults.last
    if last is None:
        return fields
    newest = {"last_kind": last.kind.name.lower(), "last_cause": last.cause, "last_silence": last.silence}
    return {**fields, **newest, "last_made_of": last.made_of}
