"""An agent's end of shared memory: sends numbered steps until its input ends, then until replay has them all.

`python agent_process.py DOMAIN ACTOR CONFIG` writes each newly acknowledged sequence number. It starts
behind the newest step that replay acknowledges, as a restarted agent does.
"""

import select
import sys
import time
from pathlib import Path

import numpy as np

from async_rl_core.agent.outbox import Outbox
from async_rl_core.config.load import read_config
from async_rl_core.spec.sizes import StepSizes
from async_rl_core.spec.step import Step
from async_rl_core.transport.shared_memory.service import Endpoint
from async_rl_core.transport.shared_memory.steps import StepLayout, StepPublisher

EPISODE = 20
PERIOD = 0.002
MOST_WAITING = 500
"""Steps; at this pace an outbox would overflow while a replay process starts."""
ACTORS = ("left", "right")


def make_step(sizes: StepSizes, actor: str, sequence: int) -> Step:
    """Returns a step whose every value tells its actor and its number."""
    offset = 1_000_000 * (1 + ACTORS.index(actor))
    return Step(
        actor=actor,
        sequence=sequence,
        episode=sequence // EPISODE,
        index=sequence % EPISODE,
        frames=np.full((1, sizes.height, sizes.width, 3), (sequence + 100 * ACTORS.index(actor)) % 256, np.uint8),
        state=np.full(sizes.state, offset + sequence, np.float32),
        action=np.full(sizes.action, offset + sequence, np.float32),
        reward=float(offset + sequence),
        terminal=False,
    )


def main(domain: str, actor: str, config_file: str) -> None:
    """Sends steps until standard input ends."""
    config = read_config(Path(config_file))
    sizes = StepSizes.from_config(config)
    publisher = StepPublisher(Endpoint(domain, actor), StepLayout.from_config(config), actor)
    while (ack := publisher.newest_ack()) is None:
        time.sleep(PERIOD)
    outbox = Outbox(publisher.send, publisher.newest_ack, actor=actor)
    outbox.flush()
    assert outbox.sequence == ack.sequence + 1
    said, is_open = None, True
    while is_open or said != outbox.sequence - 1:
        if is_open:
            if len(outbox) < MOST_WAITING:
                outbox.put(make_step(sizes, actor, outbox.sequence))
            is_open = not select.select([sys.stdin], [], [], 0)[0]
        outbox.flush()
        ack = publisher.newest_ack()
        if ack is not None and ack.sequence != said:
            said = ack.sequence
            print(said, flush=True)
        time.sleep(PERIOD)
    assert outbox.lost == 0


if __name__ == "__main__":
    main(*sys.argv[1:])
