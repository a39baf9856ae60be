"""Promises 21 and 22: nobody but the guard moves the arm, and by one description of it."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from rclpy.publisher import Publisher
from std_msgs.msg import Float64MultiArray, String
from std_srvs.srv import Trigger

from async_rl_core.sim.model import urdf_text
from async_rl_interfaces.msg import GuardState
from async_rl_ros.qos import DRIVER, LATCHED
from faults.campaign import Form, mutation, settings
from faults.impostor import ALONE, Impostor, guarded
from faults.report import Row
from faults.rig import Rig
from faults.wire import NeverError, Wire

BURST = 0.3
"""Seconds for which an intruder commands the arm."""
SPEED = 0.1
"""rad/s that it commands, of the last joint."""
PERIOD = 0.004
"""Seconds between its commands: twice as many as the guard sends, so that they move the arm."""
NOTICED = 0.5
"""Seconds after a burst within which it must be a fault."""
LENGTHS = 0.93
"""Of the links of another description, as a share of the robot's."""
WAITS = 3.0
"""Seconds in which a guard that may arm has armed itself."""
ORIGIN = re.compile(r'(<origin[^>]*xyz=")([^"]*)(")')


def publishers(form: Form, random: Random) -> list[Row]:
    """A second publisher on the command topic, for a moment, while armed and while disarmed."""
    repeats = form.repeats(short=7, long=100)
    missed = _missed(form, random, repeats)
    promise = f"a second publisher commands the arm for {BURST:g} s, armed and disarmed in turn"
    measured = f"{missed} of {2 * repeats} bursts without a fault that names it"
    mutations = mutation(
        form,
        "looking for publishers",
        lambda: _some(_missed(form, random, 1, "ignores_publishers"), "bursts unnoticed"),
    )
    return [Row(21, promise, "0", measured, 2 * repeats, missed == 0, mutations)]


def _some(count: int, what: str) -> str:
    return f"{count} {what}" if count else ""


def _missed(form: Form, random: Random, repeats: int, mutant: str | None = None) -> int:
    missed = 0
    with guarded(form, f"intruder_{mutant or ''}", safety_guard_node=mutant) as (rig, wire, _):
        joints = len(rig.config.robot.joints)
        for _ in range(repeats):
            for armed in (True, False):
                wire.await_state(GuardState.ARMED)
                if not armed:
                    _ask(wire, "disarm")
                    wire.await_state(GuardState.DISARMED)
                time.sleep(random.uniform(0.0, 0.5))
                with _intruder(wire, rig.config.robot.command_topic) as publisher:
                    _command(publisher, joints, BURST)
                missed += not _latches(wire, "publisher")
                _recover(wire)
            rig.require_all()
    return missed


def motion(form: Form, random: Random) -> list[Row]:
    """The arm is moved while zeros are sent, by somebody whom the guard does not see: it is made blind for that."""
    repeats = form.repeats(short=2, long=50)
    missed = _unmoved(form, random, repeats, "ignores_publishers")
    promise = f"the arm is moved at {SPEED:g} rad/s while the guard sends zeros, by someone it cannot see"
    measured = f"{missed} of {repeats} without a fault that names the joint"
    mutations = mutation(
        form,
        "comparing an arm at rest with where it came to rest",
        lambda: _some(_unmoved(form, random, 1, "ignores_motion"), "motion unnoticed"),
    )
    return [Row(21, promise, "0", measured, repeats, missed == 0, mutations)]


def _unmoved(form: Form, random: Random, repeats: int, mutant: str) -> int:
    missed = 0
    with guarded(form, f"motion_{mutant}", safety_guard_node=mutant) as (rig, wire, _):
        joints = len(rig.config.robot.joints)
        for _ in range(repeats):
            wire.await_state(GuardState.ARMED)
            _ask(wire, "disarm")
            wire.await_state(GuardState.DISARMED)
            time.sleep(1.0 + random.uniform(0.0, 0.5))
            with _intruder(wire, rig.config.robot.command_topic) as publisher:
                _command(publisher, joints, 2.0)
            missed += not _latches(wire, "while zeros were sent")
            _recover(wire)
            rig.require_all()
    return missed


def descriptions(form: Form, random: Random) -> list[Row]:
    """Another description, with shorter links: before the robot's, beside it, and while the arm is armed."""
    repeats = form.repeats(short=1, long=20)
    followed = sum(_followed(form, i) for i in range(repeats))
    promise = f"a robot_description with links of {LENGTHS:g} times their length, before the robot's and while armed"
    required = "no arming beside it, and a fault where armed"
    measured = f"{followed} of {2 * repeats} times it was taken or borne"
    mutations = mutation(
        form,
        "comparing descriptions",
        lambda: _some(_followed(form, 0, "trusts_descriptions"), "of 2 times it was taken or borne"),
    )
    return [Row(22, promise, required, measured, 2 * repeats, followed == 0, mutations)]


def _followed(form: Form, number: int, mutant: str | None = None) -> int:
    """How often the guard armed, or stayed armed, beside another description."""
    config = settings(form, f"descriptions_{mutant or number}")
    other = shortened(urdf_text(config.robot))
    followed = 0
    with Wire(config, form.domain) as wire, _describing(wire, other) as publisher:
        mutants = {"safety_guard_node": mutant} if mutant else {}
        with Rig(config, form.domain, ALONE, mutants) as rig, Impostor(config, wire):
            wire.wait(lambda: bool(wire.sent()), 60.0, "a guard")
            followed += _arms(wire)
            wire.node.destroy_publisher(publisher)
            wire.await_state(GuardState.ARMED)
            with _describing(wire, other):
                followed += not _latches(wire, "robot_description", within=2.0)
            rig.require_all()
    return followed


def shortened(urdf: str) -> str:
    """The description with shorter links."""
    return ORIGIN.sub(lambda m: m[1] + " ".join(str(LENGTHS * float(x)) for x in m[2].split()) + m[3], urdf)


def _arms(wire: Wire) -> bool:
    try:
        wire.await_state(GuardState.ARMED, timeout=WAITS)
    except TimeoutError:
        return False
    return True


@contextmanager
def _intruder(wire: Wire, topic: str) -> Iterator[Publisher]:
    publisher = wire.node.create_publisher(Float64MultiArray, topic, DRIVER)
    try:
        yield publisher
    finally:
        wire.node.destroy_publisher(publisher)


@contextmanager
def _describing(wire: Wire, text: str) -> Iterator[Publisher]:
    publisher = wire.node.create_publisher(String, "robot_description", LATCHED)
    publisher.publish(String(data=text))
    yield publisher


def _command(publisher: Publisher, joints: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        publisher.publish(Float64MultiArray(data=[0.0] * (joints - 1) + [SPEED]))
        time.sleep(PERIOD)


def _latches(wire: Wire, word: str, within: float = NOTICED) -> bool:
    """Whether a fault whose cause has this word is there soon."""

    def latched() -> bool:
        return wire.guard is not None and wire.guard.state == GuardState.FAULT and word in wire.guard.cause

    try:
        wire.expect(latched, within, "a fault")
    except NeverError:
        return False
    return True


def _ask(wire: Wire, service: str) -> None:
    client = wire.node.create_client(Trigger, f"safety_guard_node/{service}")
    try:
        client.wait_for_service(5.0)
        client.call(Trigger.Request(), timeout_sec=5.0)
    finally:
        wire.node.destroy_client(client)


def _recover(wire: Wire) -> None:
    """Clear the fault, if there is one, and arm again after a disarming."""
    if wire.guard is not None and wire.guard.state == GuardState.FAULT:
        wire.reset_fault()
    end = time.monotonic() + 10.0
    while wire.guard is None or wire.guard.state != GuardState.ARMED:
        if time.monotonic() > end:
            raise TimeoutError("the guard was not armed again within 10 s")
        _ask(wire, "arm")
        time.sleep(0.1)
