import numpy as np

from async_rl_core.agent.confirmation_gate import ConfirmationGate
from async_rl_core.agent.outbox import Outbox
from async_rl_core.spec.step import Step

NOTHING = np.zeros(0, np.float32)


def put(outbox: Outbox) -> None:
    frames = np.zeros((0, 0, 0, 3), np.uint8)
    outbox.put(Step("agent", outbox.sequence, 1, 0, frames, NOTHING, NOTHING, 0.0, terminal=False))


def test_confirmation_gate_without_a_camera_holds_no_step_for_an_image() -> None:
    outbox = Outbox(lambda step: True)
    gate = ConfirmationGate(outbox, (), has_camera=False)
    for _ in range(3):
        put(outbox)
        gate.update(recorded=True, image_changed=False)
        assert outbox.held == 0


def test_confirmation_gate_holds_steps_until_the_image_changes() -> None:
    outbox = Outbox(lambda step: True)
    gate = ConfirmationGate(outbox, ())
    for held in (1, 2, 3):
        put(outbox)
        gate.update(recorded=True, image_changed=False)
        assert outbox.held == held
    gate.update(recorded=False, image_changed=True)
    assert outbox.held == 0


def test_confirmation_gate_withdraw_discards_the_steps_that_are_held() -> None:
    outbox = Outbox(lambda step: True)
    gate = ConfirmationGate(outbox, ("guard",))
    put(outbox)
    gate.update(recorded=True, image_changed=True)
    gate.withdraw()
    assert outbox.withdrawn == 1 and outbox.held == 0
