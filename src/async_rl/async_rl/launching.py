"""The one description of what runs, as actions of ROS 2's launch."""

import atexit
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from pathlib import Path

from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    OpaqueFunction,
    SetEnvironmentVariable,
    Shutdown,
    TimerAction,
)
from launch.events.process import ProcessExited
from launch.launch_description_sources import AnyLaunchDescriptionSource
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from async_rl_core.bringup.arguments import AS_PRESET, TASKS, configure, is_resumed, parse, shown_defaults, table
from async_rl_core.bringup.exit_policy import ExitDecision, decide
from async_rl_core.bringup.graph import LaunchSpec, NodeSpec, environment, included
from async_rl_core.bringup.launched import is_named
from async_rl_core.bringup.process.executable import ros_arguments
from async_rl_core.bringup.process.shutdown import LONGEST_END
from async_rl_core.bringup.process.standard_streams import never_block
from async_rl_core.bringup.process.supervisor import RESTART_DELAY, STOP_GRACE
from async_rl_core.bringup.run import prepared
from async_rl_core.bringup.secure import DRIVER, variables
from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity

_ESCALATION = 0.25  # share of the grace left after SIGTERM, which launch sends between SIGINT and SIGKILL

_KEEPERS = ("learner_node", "replay_node", "rl_agent_node", "monitor_node")
"""Nodes that write what must be kept. launch cannot tell whether they make progress, so it waits longer for them."""

_LATE_START = 5.0
"""Seconds after which nodes that start late are started: agent and guard are up, or almost."""

_LAST_STOP = 1.0
"""Seconds from the death of a node to the end of the others, in which the arm is stopped."""

_TASKS = {**TASKS, "run": AS_PRESET}
"""The default task of each launch file."""

_OF_LAUNCH = ("launch-prefix", "emulate_tty:=", "sigterm_timeout:=", "sigkill_timeout:=")  # arguments of launch itself


def describe(launch_file: str) -> LaunchDescription:
    """Returns the launch description of a launch file of this package, given by its path."""
    task = _TASKS[Path(launch_file).name.removesuffix(".launch.py")]
    shown = shown_defaults(sys.argv, task)
    declared = [
        DeclareLaunchArgument(
            argument.name,
            default_value=argument.default,
            description=f"{argument.description}{shown.get(argument.name, '')}",
            choices=_choices(argument.choices, argument.default),
        )
        for argument in table(task)
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=_start, args=[task, launch_file])])


def _choices(choices: tuple[str, ...], default: str) -> list[str] | None:
    if not choices:
        return None
    return [*choices, AS_PRESET] if default == AS_PRESET else list(choices)


def _start(context: LaunchContext, task: str, launch_file: str) -> list[LaunchDescriptionEntity]:
    never_block()  # launch prints in the thread that serves its signals
    # launch itself lets unknown arguments pass; those of a description that includes this one are not ours to judge.
    if is_named(launch_file, sys.argv):
        parse(word for word in context.argv if not word.startswith(_OF_LAUNCH))
    values = {a.name: text for a in table(task) if (text := context.launch_configurations[a.name]) != a.default}
    held = ExitStack()
    atexit.register(held.close)  # the lock goes, and shared memory is cleaned, when launch ends
    say = partial(print, flush=True) if is_resumed(values) else None
    config, specs = held.enter_context(prepared(configure(values, task), os.environ, datetime.now(), say))
    print(f"run folder: {config.run_dir}", flush=True)
    driver = included(config)
    if driver is None:
        return [*map(_action, specs)]
    return [*_environment_of_driver(config.secure), _include(driver), *map(_action, specs)]


def _environment_of_driver(secure: bool) -> list[LaunchDescriptionEntity]:
    """Returns the variables of an included driver: it stays on this host, and has an enclave if the nodes have.

    Not in a scope, since some of a driver is started once other nodes are up.
    """
    wanted = environment(os.environ) | (variables(os.environ, override=DRIVER) if secure else {})
    return [SetEnvironmentVariable(name, value) for name, value in wanted.items()]


def _include(spec: LaunchSpec) -> IncludeLaunchDescription:
    source = AnyLaunchDescriptionSource([FindPackageShare(spec.package), "/launch/", spec.launch_file])
    return IncludeLaunchDescription(source, launch_arguments=spec.arguments.items())


def _action(spec: NodeSpec) -> LaunchDescriptionEntity:
    return TimerAction(period=_LATE_START, actions=[_node(spec)]) if spec.starts_late else _node(spec)


def _node(spec: NodeSpec) -> Node:
    return Node(
        package=spec.package,
        executable=spec.executable,
        name=spec.name,
        # not 'parameters', for which launch_ros leaves a file each in the temporary folder
        ros_arguments=ros_arguments(spec),
        arguments=list(spec.arguments),
        additional_env={**environment(os.environ, spec.profile), **spec.env},
        output="screen",
        respawn=spec.restarts > 0,
        respawn_max_retries=spec.restarts,
        respawn_delay=RESTART_DELAY,
        # A SIGINT that reached only launch is passed on as SIGTERM after the first of these.
        sigterm_timeout=str(STOP_GRACE * (1 - _ESCALATION)),
        sigkill_timeout=str(LONGEST_END if spec.name in _KEEPERS else STOP_GRACE * _ESCALATION),
        on_exit=_on_exit(spec),
    )


def _on_exit(spec: NodeSpec) -> Callable[[ProcessExited, LaunchContext], list[LaunchDescriptionEntity] | None]:
    restarts = 0

    def fail(context: LaunchContext, code: int) -> None:
        # launch prints this as its error, shuts the rest down, and exits with 1.
        raise RuntimeError(f"{spec.name} died with exit code {code}; stopping")

    def end_in_fault(context: LaunchContext) -> None:
        raise RuntimeError("the run ended with a fault of the safety guard, which stopped the arm; see its cause above")

    def react(event: ProcessExited, context: LaunchContext) -> list[LaunchDescriptionEntity] | None:
        nonlocal restarts
        decision = decide(spec, event.returncode, restarts)
        restarts += 1
        if context.is_shutdown:
            return None
        match decision:
            case ExitDecision.COMPLETE:
                return [Shutdown(reason="run complete")]
            case ExitDecision.FAULT:
                return [OpaqueFunction(function=end_in_fault)]
            case ExitDecision.CONTINUE | ExitDecision.RESTART:  # launch itself starts the node again
                return None
        # Not at once: after the guard's death, robot_status_node has the driver stop the arm, which takes both of them.
        return [TimerAction(period=_LAST_STOP, actions=[OpaqueFunction(function=fail, args=[event.returncode])])]

    return react
