"""Promises 21 and 22: only the guard moves the arm, and by one description of it."""

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
from faults.arm_listener import ArmListener, PromiseTimeoutError
from faults.campaign import Campaign, mutation, run_config
from faults.fake_agent import ALONE, FakeAgent, guard_with_fake_agent
from faults.node_rig import NodeRig
from faults.report import Row

BURST = 0.3
"""Seconds for which a foreign publisher commands the arm."""
SPEED = 0.1
"""Commanded speed of the last joint, in rad/s."""
PERIOD = 0.004
"""Seconds between its commands: twice the guard's rate, so that they move the arm."""
NOTICED = 0.5
"""Seconds after a burst within which a fault must be latched."""
LENGTHS = 0.93
"""Factor of the link lengths in the other description."""
WAITS = 3.0
"""Seconds within which a guard that may arm has armed itself."""
ORIGIN = re.compile(r'(<origin[^>]*xyz=")([^"]*)(")')


def publishers(campaign: Campaign, random: Random) -> list[Row]:
    """Measures a second publisher on the command topic, while armed and while disarmed."""
    repeats = campaign.repeats(short=7, long=100)
    missed = _missed(campaign, random, repeats)
    promise = f"a second publisher commands the arm for {BURST:g} s, armed and disarmed in turn"
    measured = f"{missed} of {2 * repeats} bursts without a fault that names it"
    mutations = mutation(
        campaign,
        "looking for publishers",
        lambda: _some(_missed(campaign, random, 1, "without_publisher_checks"), "bursts unnoticed"),
    )
    return [Row(21, promise, "0", measured, 2 * repeats, missed == 0, mutations)]


def _some(count: int, what: str) -> str:
    return f"{count} {what}" if count else ""


def _missed(campaign: Campaign, random: Random, repeats: int, mutant: str | None = None) -> int:
    missed = 0
    with guard_with_fake_agent(campaign, f"intruder_{mutant or ''}", safety_guard_node=mutant) as (rig, listener, _):
        joints = len(rig.config.robot.joints)
        for _ in range(repeats):
            for armed in (True, False):
                listener.await_state(GuardState.ARMED)
                if not armed:
                    _ask(listener, "disarm")
                    listener.await_state(GuardState.DISARMED)
                time.sleep(random.uniform(0.0, 0.5))
                with _intruder(listener, rig.config.robot.command_topic) as publisher:
                    _command(publisher, joints, BURST)
                missed += not _latches(listener, "publisher")
                _recover(listener)
            rig.require_all()
    return missed


def motion(campaign: Campaign, random: Random) -> list[Row]:
    """Measures motion while zeros are sent, with a guard that cannot see other publishers."""
    repeats = campaign.repeats(short=2, long=50)
    missed = _unmoved(campaign, random, repeats, "without_publisher_checks")
    promise = f"the arm is moved at {SPEED:g} rad/s while the guard sends zeros, by someone it cannot see"
    measured = f"{missed} of {repeats} without a fault that names the joint"
    mutations = mutation(
        campaign,
        "comparing an arm at rest with where it came to rest",
        lambda: _some(_unmoved(campaign, random, 1, "without_rest_watch"), "motion unnoticed"),
    )
    return [Row(21, promise, "0", measured, repeats, missed == 0, mutations)]


def _unmoved(campaign: Campaign, random: Random, repeats: int, mutant: str) -> int:
    missed = 0
    with guard_with_fake_agent(campaign, f"motion_{mutant}", safety_guard_node=mutant) as (rig, listener, _):
        joints = len(rig.config.robot.joints)
        for _ in range(repeats):
            listener.await_state(GuardState.ARMED)
            _ask(listener, "disarm")
            listener.await_state(GuardState.DISARMED)
            time.sleep(1.0 + random.uniform(0.0, 0.5))
            with _intruder(listener, rig.config.robot.command_topic) as publisher:
                _command(publisher, joints, 2.0)
            missed += not _latches(listener, "while zeros were sent")
            _recover(listener)
            rig.require_all()
    return missed


def descriptions(campaign: Campaign, random: Random) -> list[Row]:
    """Measures another description with shorter links, before the robot's and while armed."""
    repeats = campaign.repeats(short=1, long=20)
    followed = sum(_followed(campaign, i) for i in range(repeats))
    promise = f"a robot_description with links of {LENGTHS:g} times their length, before the robot's and while armed"
    required = "no arming beside it, and a fault where armed"
    measured = f"{followed} of {2 * repeats} times it was taken or borne"
    mutations = mutation(
        campaign,
        "comparing descriptions",
        lambda: _some(_followed(campaign, 0, "without_description_checks"), "of 2 times it was taken or borne"),
    )
    return [Row(22, promise, required, measured, 2 * repeats, followed == 0, mutations)]


def _followed(campaign: Campaign, number: int, mutant: str | None = None) -> int:
    """Returns how often the guard armed, or stayed armed, with another description present."""
    config = run_config(campaign, f"descriptions_{mutant or number}")
    other = shortened(urdf_text(config.robot))
    followed = 0
    with ArmListener(config, campaign.domain) as listener, _describing(listener, other) as publisher:
        mutants = {"safety_guard_node": mutant} if mutant else {}
        with NodeRig(config, campaign.domain, ALONE, mutants) as rig, FakeAgent(config, listener):
            listener.wait(lambda: bool(listener.received_commands()), 60.0, "a guard")
            followed += _arms(listener)
            listener.node.destroy_publisher(publisher)
            listener.await_state(GuardState.ARMED)
            with _describing(listener, other):
                followed += not _latches(listener, "robot_description", within=2.0)
            rig.require_all()
    return followed


def shortened(urdf: str) -> str:
    """Returns the description with shorter links."""
    return ORIGIN.sub(lambda m: m[1] + " ".join(str(LENGTHS * float(x)) for x in m[2].split()) + m[3], urdf)


def _arms(listener: ArmListener) -> bool:
    try:
        listener.await_state(GuardState.ARMED, timeout=WAITS)
    except TimeoutError:
        return False
    return True


@contextmanager
def _intruder(listener: ArmListener, topic: str) -> Iterator[Publisher]:
    publisher = listener.node.create_publisher(Float64MultiArray, topic, DRIVER)
    try:
        yield publisher
    finally:
        listener.node.destroy_publisher(publisher)


@contextmanager
def _describing(listener: ArmListener, text: str) -> Iterator[Publisher]:
    publisher = listener.node.create_publisher(String, "robot_description", LATCHED)
    publisher.publish(String(data=text))
    yield publisher


def _command(publisher: Publisher, joints: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        publisher.publish(Float64MultiArray(data=[0.0] * (joints - 1) + [SPEED]))
        time.sleep(PERIOD)


def _latches(listener: ArmListener, word: str, within: float = NOTICED) -> bool:
    """Returns whether a fault with `word` in its cause is latched in time."""

    def latched() -> bool:
        return listener.guard is not None and listener.guard.state == GuardState.FAULT and word in listener.guard.cause

    try:
        listener.expect(latched, within, "a fault")
    except PromiseTimeoutError:
        return False
    return True


def _ask(listener: ArmListener, service: str) -> str:
    """Calls a service of the guard; returns its answer, empty if there is none."""
    client = listener.node.create_client(Trigger, f"safety_guard_node/{service}")
    try:
        client.wait_for_service(5.0)
        answer = client.call(Trigger.Request(), timeout_sec=5.0)
        return str(answer.message) if answer is not None else ""
    finally:
        listener.node.destroy_client(client)


def _recover(listener: ArmListener) -> None:
    """Clears a fault if there is one, and arms the guard again."""
    if listener.guard is not None and listener.guard.state == GuardState.FAULT:
        listener.reset_fault()
    answer, end = "", time.monotonic() + 10.0
    while listener.guard is None or listener.guard.state != GuardState.ARMED:
        if time.monotonic() > end:
            raise TimeoutError(f"the guard was not armed again within 10 s: {answer}")
        answer = _ask(listener, "arm")
        time.sleep(0.1)
