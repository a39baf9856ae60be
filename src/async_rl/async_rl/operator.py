"""Calls of the safety guard of a run: arm, disarm, reset a fault."""

import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from async_rl_core.bringup.arguments import parse, table
from async_rl_core.bringup.checks.variables import check_variables
from async_rl_core.bringup.graph import environment
from async_rl_core.bringup.secure import variables
from async_rl_core.errors import AsyncRLError
from async_rl_core.ros_environment import ros_domain
from async_rl_core.security.keystore import enclave

SERVICES = {"arm": "arm", "disarm": "disarm", "reset-fault": "reset_fault"}
"""The guard's services by the command that calls them."""
DISCOVERY_TIMEOUT = 10.0
"""Seconds in which a guard is found, on a busy machine too."""
ANSWER_TIMEOUT = 5.0
_PERIOD = 0.05


class NoGuardError(AsyncRLError):
    """No safety guard answers."""


def ask(command: str, words: Sequence[str]) -> int:
    """Calls the guard and prints its answer; returns 0 if it did as asked, 1 if it refused or does not answer.

    Raises `ConfigError` for a wrong argument, or a variable with which ROS 2 does not start.
    """
    check_variables(os.environ)
    [secure] = [argument for argument in table() if argument.name == "secure"]
    values = parse(words, [secure])
    _prepare(secure="secure" in values and secure.value(values["secure"]) is True)
    try:
        answer = _call(SERVICES[command], ros_domain(os.environ))
    except NoGuardError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    print(answer.message if answer.success else f"refused: {answer.message}", flush=True)
    return 0 if answer.success else 1


def _prepare(secure: bool) -> None:
    """Sets the variables of a run in this process: middleware settings, and the operator's keys if `secure`."""
    settings = environment(os.environ)
    del settings["ASYNC_RL_SUPERVISED"]
    os.environ.update(settings)
    if secure:
        os.environ.update(variables(os.environ, enclave("operator")))


def _call(service: str, number: int) -> Any:
    # Here, since the other commands do without ROS 2.
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from std_srvs.srv import Trigger

    rclpy.init(args=["--ros-args", "--disable-external-lib-logs"])  # there may be no place for log files
    name = f"async_rl_operator_{os.getpid()}"
    node = rclpy.create_node(name, enable_rosout=False, start_parameter_services=False)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        client = node.create_client(Trigger, f"safety_guard_node/{service}")
        end = time.monotonic() + DISCOVERY_TIMEOUT
        while not client.service_is_ready():
            if time.monotonic() > end:
                raise NoGuardError(
                    f"no safety guard found in ROS domain {number} within {DISCOVERY_TIMEOUT:g} s; start a run first, "
                    "or set ROS_DOMAIN_ID to the run's, as in the terminal where it was started"
                )
            executor.spin_once(timeout_sec=_PERIOD)
        future = client.call_async(Trigger.Request())
        executor.spin_until_future_complete(future, ANSWER_TIMEOUT)
        if not future.done():
            raise NoGuardError(
                f"the safety guard in ROS domain {number} gave no answer within {ANSWER_TIMEOUT:g} s; if the arm moves "
                "where it should not, press its stop button"
            )
        return future.result()
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()
