"""The other process of a transport test. Says `ready`, then obeys lines on its standard input until that ends.

peer.py <role>[:<argument>] <domain>
"""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import numpy as np

from async_rl_core.spec.batch import Batch, BatchLayout
from async_rl_core.spec.observation import ImageSpec, ObservationSpec, StatePart
from async_rl_core.spec.step import SINGLE_ACTOR, Step
from async_rl_core.transport.shared_memory.batches import BatchClient, BatchServer
from async_rl_core.transport.shared_memory.parameters import ParameterPublisher
from async_rl_core.transport.shared_memory.service import Endpoint
from async_rl_core.transport.shared_memory.steps import REPLAY, StepLayout, StepSubscriber
from async_rl_core.transport.shared_memory.wakeup import Listener, Notifier

STEPS = StepLayout(height=9, width=16, frames=3, state=6, action=2)
BATCHES = BatchLayout(
    batch_size=4,
    observation=ObservationSpec(ImageSpec(height=8, width=14, channels=9), (StatePart("joint_position", 6, "rad"),)),
    action=2,
)
PARAMETERS = 50_000


def make_step(sequence: int, frames: int = 1) -> Step:
    """A step whose every value tells its number."""
    pixels = np.full((frames, STEPS.height, STEPS.width, 3), sequence % 251, np.uint8)
    vector = np.full(STEPS.state, sequence, np.float32)
    action = np.full(STEPS.action, -sequence, np.float32)
    return Step(
        SINGLE_ACTOR, sequence, sequence // 7, sequence % 7, pixels, vector, action, sequence / 2, sequence % 3 == 0
    )


def fill(batch: Batch, number: int) -> None:
    """Make every value of a mini-batch tell its number."""
    batch.buffer[:] = number % 251
    batch.header[:] = number, 0, 0, 0


def say(word: object) -> None:
    """Answer the test."""
    print(word, flush=True)


def steps(endpoint: Endpoint, stack: ExitStack, durable: str = "-1") -> Callable[[str], None]:
    """On `<n>`: receives n steps and answers with their numbers. On `acknowledge <n>`: acknowledges."""
    listener, subscriber = Listener(endpoint, REPLAY), StepSubscriber(endpoint, STEPS, int(durable))
    stack.callback(listener.close)
    stack.callback(subscriber.close)

    def obey(line: str) -> None:
        if line.startswith("acknowledge "):
            subscriber.acknowledge(int(line.removeprefix("acknowledge ")))
            say("acknowledged")
            return
        got: list[int] = []
        while len(got) < int(line):
            step = subscriber.receive()
            if step is None:
                listener.wait(1.0)
            else:
                assert (step.frames == step.sequence % 251).all()
                got.append(step.sequence)
        say(" ".join(map(str, got)))

    return obey


def server(endpoint: Endpoint, stack: ExitStack) -> Callable[[str], None]:
    """On `<n>`: serve n mini-batches, waiting for the requests."""
    listener, port = Listener(endpoint, REPLAY), BatchServer(endpoint, BATCHES)
    stack.callback(listener.close)
    stack.callback(port.close)
    served = 0

    def obey(line: str) -> None:
        nonlocal served
        for _ in range(int(line)):
            while not port.serve(partial(fill, number=served)):
                listener.wait(1.0)
            served += 1
        say(served)

    return obey


def client(endpoint: Endpoint, stack: ExitStack) -> Callable[[str], None]:
    """On any line: have three requests under way."""
    port = BatchClient(endpoint, BATCHES, in_flight=3)
    stack.callback(port.close)

    def obey(line: str) -> None:
        port.receive(0.0)
        say("requested")

    return obey


def parameters(endpoint: Endpoint, stack: ExitStack) -> Callable[[str], None]:
    """On `<n>`: publish n times, each time all values alike, as fast as it goes. On `die`: stop in mid-write."""
    publisher = ParameterPublisher(endpoint, PARAMETERS)
    stack.callback(publisher.close)
    version = 0

    def obey(line: str) -> None:
        nonlocal version
        for _ in range(int(line)):
            version += 1
            publisher.publish(version, 2 * version, np.full(PARAMETERS, version, np.float32))
        say(version)

    return obey


def writer(endpoint: Endpoint, stack: ExitStack) -> Callable[[str], None]:
    """Publishes once; then on any line loans the next and writes half of it, and answers, but never sends it."""
    publisher = ParameterPublisher(endpoint, PARAMETERS)
    publisher.publish(1, 1, np.ones(PARAMETERS, np.float32))
    loans = []

    def obey(line: str) -> None:
        loan, buffer = publisher._loan()
        buffer[: len(buffer) // 2] = 99
        loans.append(loan)
        say("half")

    return obey


def notifier(endpoint: Endpoint, stack: ExitStack) -> Callable[[str], None]:
    """On `<n>`: notify n times."""
    port = Notifier(endpoint, "test")
    stack.callback(port.close)

    def obey(line: str) -> None:
        for _ in range(int(line)):
            port.notify()
        say("notified")

    return obey


def visitor(endpoint: Endpoint, stack: ExitStack) -> Callable[[str], None]:
    """On `<n>`: enter and leave the domain n more times, each time with a port; answers at once, and at the end."""

    def obey(line: str) -> None:
        say("visiting")
        for _ in range(int(line)):
            visit = Endpoint(endpoint.domain, "visitor")
            Notifier(visit, "test").notify()
            visit.close()
        say("left")

    return obey


ROLES: dict[str, Callable[..., Callable[[str], None]]] = {
    f.__name__: f for f in (steps, server, client, parameters, writer, notifier, visitor)
}

if __name__ == "__main__":
    with ExitStack() as stack:
        role, *arguments = sys.argv[1].split(":")
        endpoint = Endpoint(sys.argv[2], f"peer_{role}")
        stack.callback(endpoint.close)
        obey = ROLES[role](endpoint, stack, *arguments)
        say("ready")
        for line in sys.stdin:
            obey(line)
