"""`make faults`: injects faults into the real processes and reports the measurements.

make faults                                # the short form
make faults ARGS="--long"                  # hours; a quiet machine
make faults ARGS="--long --only 1 2"       # these promises; their rows replace those in the report
make faults ARGS="--long --repeats 20 --seconds 300"   # a long form that takes less time
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

from async_rl_core.errors import AsyncRLError
from async_rl_core.ros_environment import ros_domain
from faults import report
from faults.campaign import Campaign
from faults.halt_monitor import HaltMonitor
from faults.report import A_MEASUREMENT, Row, conditions
from faults.rows import (
    agent_death,
    camera_failures,
    code_in_data,
    commands,
    deadlines,
    foreign_publishers,
    full_storage,
    fuzz,
    guard_commands,
    guard_death,
    joint_state_failures,
    learning_deaths,
    limits,
    messages,
    parameters,
    permissions,
    protections,
    restarts,
    security,
    short_halts,
    snapshots,
    soak,
    supervision,
    timing_faults,
)

FOLDER = Path(__file__).parent
Measure = Callable[[Campaign, Random], list[Row]]
ROWS: dict[int, tuple[Measure, ...]] = {
    1: (agent_death.kill, agent_death.halt),
    2: (guard_death.kill,),
    3: (commands.stamps, commands.stepped),
    4: (commands.malformed, guard_commands.refused, protections.switched_off),
    5: (limits.generated, limits.simulated),
    6: (commands.latched, guard_commands.histories),
    7: (deadlines.saturated,),
    8: (learning_deaths.learner,),
    9: (learning_deaths.replay,),
    10: (parameters.torn,),
    11: (snapshots.killed, snapshots.failing, snapshots.flipped),
    12: (full_storage.disk, full_storage.shared_memory),
    13: (restarts.restarted, soak.learning),
    14: (fuzz.files, fuzz.shared_memory, messages.said),
    15: (permissions.closed,),
    16: (code_in_data.scan,),
    17: (security.enforced,),
    18: (camera_failures.failing,),
    19: (joint_state_failures.failing,),
    20: (timing_faults.cleared, timing_faults.told),
    21: (foreign_publishers.publishers, foreign_publishers.motion),
    22: (foreign_publishers.descriptions,),
    26: (supervision.blocked, supervision.suspended),
    28: (short_halts.halted,),
}


def main() -> int:
    """Runs the selected rows; returns 1 if a promise was broken or a mutation was not noticed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--long", action="store_true", help="the long form: hours")
    parser.add_argument("--only", type=int, nargs="+", choices=sorted(ROWS), help="numbers of rows; default: all")
    parser.add_argument("--repeats", type=int, help="repeats of every row")
    parser.add_argument("--seconds", type=int, help="duration of every row that lasts rather than repeats")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random moments")
    parser.add_argument("--no-mutations", action="store_true", help="do not measure without protections")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="folder of report.json")
    arguments = parser.parse_args()
    domain = ros_domain(os.environ)
    scratch = Path(tempfile.mkdtemp(prefix="faults-"))
    arguments.folder.mkdir(parents=True, exist_ok=True)
    campaign = Campaign(
        arguments.long,
        arguments.folder,
        scratch,
        domain,
        not arguments.no_mutations,
        arguments.repeats,
        arguments.seconds,
    )
    rows: list[Row] = []
    for number in arguments.only or sorted(ROWS):
        for measure in ROWS[number]:
            start = time.monotonic()
            random = Random(f"{arguments.seed}-{measure.__module__}-{measure.__name__}")
            with HaltMonitor() as halts:
                found = _measured(number, measure, campaign, random)
            took = time.monotonic() - start
            halted, late = (round(1e3 * seconds, 1) for seconds in (halts.longest, halts.lateness(99.9)))
            form = "long" if campaign.long else "short"
            rows += [replace(row, conditions=conditions(), form=form, halted=halted, late=late) for row in found]
            for row in found:
                how = row.skipped or row.measured
                pauses = f"machine halted {halted:.0f} ms, p99.9 {late:.1f} ms"
                print(f"{number}: {row.promise}: {how} [{took:.0f} s; {pauses}]", flush=True)
            path = campaign.folder / "report.json"
            report.write(path, report.merged(report.read(path), rows))
    print(report.table(rows))
    broken = any(row.broken for row in rows)
    if not broken:
        shutil.rmtree(scratch)
    return int(broken)


def _measured(number: int, measure: Measure, campaign: Campaign, random: Random) -> list[Row]:
    """Returns the rows, or one row that reports an error of the measurement; the campaign continues."""
    try:
        return measure(campaign, random)
    except (AsyncRLError, OSError, RuntimeError, subprocess.SubprocessError) as error:
        return [Row(number, f"{measure.__module__}.{measure.__name__}", A_MEASUREMENT, str(error), 0, False)]


if __name__ == "__main__":
    sys.exit(main())
