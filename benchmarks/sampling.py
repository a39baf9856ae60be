"""Sampling, cropping and transfer: the time from the learner's request until it holds the mini-batch.

Replay and learner are two processes, as in a run.
"""

import os
import time
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event

import numpy as np

from async_rl_core.algorithms.common.compute import keep_freed_memory
from async_rl_core.replay.replay import Replay
from async_rl_core.spec.batch import BatchLayout
from async_rl_core.transport.shared_memory.batches import BatchClient, BatchServer
from async_rl_core.transport.shared_memory.service import Endpoint
from async_rl_core.transport.shared_memory.steps import REPLAY
from async_rl_core.transport.shared_memory.wakeup import Listener
from benchmarks.cases import Case, fill
from benchmarks.reference import ReferenceBatch, StackedReplay
from benchmarks.timing import CONTEXT, MeasurementError, Times, isolated, measure, summarise

WARM_UP = 5
READY_WITHIN = 120.0
"""Seconds for filling a store."""
REFERENCE_STORED = 1000
"""Transitions; the reference's store takes 104 GB per 1e5."""
_WAIT = 1.0


def _serve(case: Case, domain: str, ready: Event, stop: Event) -> None:
    """Runs the replay process."""
    config = case.config()
    replay = Replay(config)
    fill(replay, config, case.stored)
    endpoint = Endpoint(domain, "replay")
    listener, server = Listener(endpoint, REPLAY), BatchServer(endpoint, BatchLayout.from_config(config))
    ready.set()
    while not stop.is_set():
        if not server.serve(replay.sample_into):
            listener.wait(0.1)
    endpoint.close()


def _receive(case: Case, domain: str, repeats: int, in_flight: int, pause: float) -> Times:
    """Runs the learner process; returns its waits."""
    endpoint = Endpoint(domain, "learner")
    client = BatchClient(endpoint, BatchLayout.from_config(case.config()), in_flight)
    seconds = []
    for _ in range(WARM_UP + repeats):
        time.sleep(pause)
        start = time.perf_counter()
        batch = client.receive(_WAIT)
        seconds.append(time.perf_counter() - start)
        if batch is None:
            raise TimeoutError(f"no mini-batch of {case.name} within {_WAIT:.0f} s")
    endpoint.close()
    return summarise(seconds[WARM_UP:])


def ours(case: Case, repeats: int, in_flight: int, pause: float = 0.0) -> Times:
    """Returns the learner's waits for mini-batches, requested on demand (`in_flight` 0) or `pause` seconds ahead."""
    domain, ready, stop = f"bench{os.getpid()}", CONTEXT.Event(), CONTEXT.Event()
    replay = CONTEXT.Process(target=_serve, args=(case, domain, ready, stop))
    replay.start()
    try:
        if not ready.wait(READY_WITHIN):
            raise MeasurementError(f"no replay process for {case.name} after {READY_WITHIN:.0f} s")
        return isolated(_receive, case, domain, repeats, in_flight, pause)
    finally:
        stop.set()
        replay.join()


def in_process(case: Case, repeats: int) -> Times:
    """Returns the times of sampling alone, into memory of this process."""
    config = case.config()
    replay, batch = Replay(config), BatchLayout.from_config(config).allocate()
    fill(replay, config, case.stored)
    return measure(lambda: replay.sample_into(batch), repeats)


def _serve_reference(case: Case, tuned: bool, requests: "Queue[bool]", batches: "Queue[ReferenceBatch | None]") -> None:
    """Runs the reference's replay process."""
    if tuned:
        keep_freed_memory()
    rng, spec, actions = np.random.default_rng(0), case.spec, len(case.config().robot.actuated_joints)
    image = spec.require_image()
    replay = StackedReplay(REFERENCE_STORED, image.channels, case.height, case.width, spec.state_size, actions)
    replay.fill(rng)
    batches.put(None)
    while requests.get():
        batches.put(replay.sample(case.batch, image.height, image.width, rng))


def _receive_reference(
    case: Case, tuned: bool, repeats: int, requests: "Queue[bool]", batches: "Queue[ReferenceBatch | None]"
) -> Times:
    """Runs the reference's learner process; returns its waits."""
    if tuned:
        keep_freed_memory()

    def call() -> None:
        requests.put(True)
        batches.get(timeout=READY_WITHIN)

    return measure(call, repeats, warm_up=2)


def reference(case: Case, repeats: int, tuned: bool) -> Times:
    """Returns the same waits for the reference's pickled float32 mini-batches; `tuned`: the allocator."""
    requests: Queue[bool] = CONTEXT.Queue()
    batches: Queue[ReferenceBatch | None] = CONTEXT.Queue()
    replay = CONTEXT.Process(target=_serve_reference, args=(case, tuned, requests, batches))
    replay.start()
    try:
        batches.get(timeout=READY_WITHIN)
        return isolated(_receive_reference, case, tuned, repeats, requests, batches)
    finally:
        requests.put(False)
        replay.join()
