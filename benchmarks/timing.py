"""Timing of calls, also in a separate process."""

import multiprocessing
import os
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from typing import NamedTuple, ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
T = TypeVar("T")

CONTEXT = multiprocessing.get_context("forkserver")
"""Forks from a server process that has only imported modules, since importing takes seconds."""
CONTEXT.set_forkserver_preload(["benchmarks.sampling", "benchmarks.updates", "benchmarks.limits"])

CORES = len(os.sched_getaffinity(0))
"""Cores of this process."""


class Times(NamedTuple):
    """Times in milliseconds."""

    median: float
    p99: float
    """99th percentile; with few calls nearly the maximum."""


def summarise(seconds: Sequence[float], per_round: int = 1) -> Times:
    """Returns figures of single calls. The median is that of means of `per_round` consecutive calls.

    An update that steps the actor every second time is two kinds of call: the median of all would be that of one kind.
    """
    milliseconds = 1e3 * np.asarray(seconds, np.float64)
    rounds = milliseconds[: len(milliseconds) // per_round * per_round].reshape(-1, per_round).mean(axis=1)
    return Times(float(np.median(rounds)), float(np.percentile(milliseconds, 99)))


def measure(call: Callable[[], object], repeats: int, warm_up: int = 3, per_round: int = 1) -> Times:
    """Times `repeats` calls after `warm_up` others."""
    for _ in range(warm_up):
        call()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return summarise(seconds, per_round)


class MeasurementError(RuntimeError):
    """A measurement failed; the terminal shows its traceback."""


def isolated(function: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
    """Calls a module's function in a separate process, so that allocator state and threads do not remain."""
    receiver, sender = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_send_result, args=(sender, function, arguments, keywords))
    process.start()
    sender.close()
    try:
        result: T = receiver.recv()
    except EOFError:
        raise MeasurementError(f"{function.__module__}.{function.__name__}{arguments} ended without a result") from None
    finally:
        process.join()
    return result


def _send_result(
    sender: Connection, function: Callable[..., object], arguments: Sequence[object], keywords: Mapping[str, object]
) -> None:
    sender.send(function(*arguments, **keywords))
