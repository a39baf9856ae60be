"""Checks for settings that contradict each other."""

from collections.abc import Iterator
from math import hypot, isclose

from async_rl_core.config.algorithm import algorithms
from async_rl_core.config.camera import SIMULATED, TOPIC
from async_rl_core.config.schema import Config, TargetSurface
from async_rl_core.errors import did_you_mean

Problem = tuple[str, str]  # the dotted key to change, and why

WATCHDOG_CYCLES = 1.5
"""Action cycles in the guard's watchdog with Seq-SAC: an update delays a command by up to half a cycle."""

_LONGEST_WATCHDOG = 0.5  # seconds


def check(config: Config) -> Iterator[Problem]:
    """Yields each contradiction in a configuration that is valid key by key."""
    yield from _camera(config)
    yield from _cycle(config)
    yield from _episodes(config)
    yield from _robot(config)
    yield from _hardware(config)
    if config.algorithm not in (known := algorithms()):
        yield "algorithm", f"'{config.algorithm}' is not allowed; allowed: {', '.join(known)}"


def _camera(config: Config) -> Iterator[Problem]:
    camera, sim = config.camera, config.sim
    if problem := camera.problem():
        names = [SIMULATED, *camera.drivers]
        nearest = did_you_mean(camera.source or "", names)
        yield "camera.source", f"{problem}{nearest}; allowed: {', '.join(names)}, {TOPIC}<name>"
    if sim.stamp_delay > sim.image_latency:
        yield (
            "sim.stamp_delay",
            f"{sim.stamp_delay:g} s is more than sim.image_latency ({sim.image_latency:g} s): no image comes before it "
            "is stamped",
        )


def _cycle(config: Config) -> Iterator[Problem]:
    cycle, key = config.agent.action_cycle_time, "agent.action_cycle_time"
    period = 1.0 / config.robot.state_rate
    if not _is_multiple(cycle, period):
        below = max(1, int(cycle / period)) * period
        yield (
            key,
            (
                f"{cycle:g} s is not a multiple of the robot's state period of {period:g} s; "
                f"nearest: {below:g} or {below + period:g}"
            ),
        )
    guard = config.guard
    if cycle + guard.grace >= guard.watchdog:
        yield (
            key,
            (
                f"{cycle:g} s and guard.grace ({guard.grace:g} s) are not below guard.watchdog ({guard.watchdog:g} s): "
                "the guard would stop the arm between two commands; shorten the cycle, or raise guard.watchdog in a "
                "preset of your own"
            ),
        )
    simulated = config.hardware == "sim" and config.architecture == "seq"
    most = max(_LONGEST_WATCHDOG, WATCHDOG_CYCLES * cycle if simulated else 0.0)
    if guard.watchdog > most + 1e-3:
        yield (
            "guard.watchdog",
            f"{guard.watchdog:g} s is longer than {most:g} s, in which an arm moves too far unwatched",
        )
    if cycle > config.agent.episode_duration / 2:
        yield key, f"{cycle:g} s leaves fewer than two actions in an episode of {config.agent.episode_duration:g} s"
    if config.agent.phase_margin >= cycle:
        yield "agent.phase_margin", f"{config.agent.phase_margin:g} s is not below the action cycle time of {cycle:g} s"


def _episodes(config: Config) -> Iterator[Problem]:
    if config.replay.capacity < max(config.agent.initial_steps, config.learning.batch_size):
        yield (
            "replay.capacity",
            (
                f"{config.replay.capacity} transitions never hold what learning starts with: "
                f"initial_steps {config.agent.initial_steps}, batch_size {config.learning.batch_size}"
            ),
        )


def _robot(config: Config) -> Iterator[Problem]:
    period = 1.0 / config.robot.state_rate
    if not _is_multiple(period, config.sim.physics_step):
        yield "sim.physics_step", f"{config.sim.physics_step:g} s does not divide the state period of {period:g} s"
    if config.guard.state_timeout <= period:
        yield "guard.state_timeout", f"{config.guard.state_timeout:g} s is not above the state period of {period:g} s"
    for axis, low, high in zip("xyz", config.robot.workspace.lower, config.robot.workspace.upper, strict=True):
        if low >= high:
            yield "robot.workspace.lower", f"{axis} is {low:g} m, not below the upper {high:g} m"
    yield from _surface("robot.monitor", config.robot.monitor)
    if config.robot.bag_area is not None:
        yield from _surface("robot.bag_area", config.robot.bag_area)


def _surface(key: str, surface: TargetSurface) -> Iterator[Problem]:
    if not any(surface.normal):
        yield f"{key}.normal", "must have a direction, got [0, 0, 0]"
    elif _are_parallel(surface.normal, surface.up):
        yield f"{key}.up", f"{list(surface.up)} must not be parallel to the normal, {list(surface.normal)}"


def _hardware(config: Config) -> Iterator[Problem]:
    robot, drivers = config.robot.name, list(config.robot.drivers)
    if config.driver is not None and config.driver not in drivers:
        allowed = ", ".join(drivers) or "none"
        yield "driver", f"'{config.driver}' is not a driver of robot '{robot}'; allowed: {allowed}"
    elif config.hardware == "sim":
        if config.robot_ip is not None:
            yield (
                "robot_ip",
                f"'{config.robot_ip}' is given, but hardware is 'sim'; add hardware:=real, or leave it out",
            )
        if config.driver is not None and config.robot_driver is None:
            yield "driver", f"'{config.driver}' drives real hardware only; add hardware:=real, or leave it out"
    elif not drivers:
        yield "hardware", f"'real': robot '{robot}' has no driver and can only be simulated; see docs/adding-a-robot.md"
    elif config.robot_ip is None:
        yield "hardware", "'real' needs the robot's address; add robot_ip:=<address>"
    elif config.guard.auto_arm:
        yield "guard.auto_arm", "a real robot is armed by a person; set it to false"
    elif config.guard.clear_timing_faults:
        yield "guard.clear_timing_faults", "a real robot's faults are cleared by a person; set it to false or null"


def unseen(config: Config, shows: str, chosen: bool) -> Iterator[Problem]:
    """Yields a problem if nothing shows the target to the camera of a real arm.

    Args:
        shows: the kind of the task's target: a disc on a screen, or another object.
        chosen: whether `display` was set, so that another program may show the disc. Without a named camera, another
            program publishes `image_raw` as well.
    """
    camera = config.camera.source
    named = camera is not None and config.camera_topic is not None
    if config.hardware == "real" and named and shows == "disc" and not (config.display or chosen):
        yield (
            "camera.source",
            f"nothing shows the target of '{config.task}' to '{camera}'; add display:=true, or display:=false where "
            "another program shows it",
        )


def _are_parallel(a: tuple[float, float, float], b: tuple[float, float, float]) -> bool:
    """Returns whether two directions, one of which may be zero, leave the plane through them undetermined."""
    cross = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    return hypot(*cross) < 1e-3 * hypot(*a)


def _is_multiple(value: float, unit: float) -> bool:
    count = round(value / unit)
    return count >= 1 and isclose(value, count * unit, rel_tol=1e-6)
