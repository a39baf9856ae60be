"""`franka_sim_node`: a simulated FR3 with its maker's network protocol, in real time."""

import time
from functools import partial

import async_rl_core.sim.engine  # noqa: F401 (before anything else imports MuJoCo)

# isort: split
from franky_sim import SimulationServer
from franky_sim.mujoco_simulator import MujocoSimulator

from async_rl_core.errors import RobotError
from async_rl_ros.node import ConfiguredNode, StopSignal
from async_rl_ros.node import main as run_node
from async_rl_ros.scheduling import freeze_garbage, lock_memory, realtime
from franka_driver_node.address import robot_address
from franka_driver_node.protocol import PERIOD

_PRIORITY = 30
_VELOCITY_GAIN = (
    450.0,
    450.0,
    350.0,
    350.0,
    100.0,
    100.0,
    60.0,
)  # N m s/rad; the simulator's defaults make the wrist oscillate
_LONGEST_CATCH_UP = 0.02  # seconds; longer delays are not made up for
_STOP_TIMEOUT = 1.5  # seconds for the driver to bring the arm to rest and disconnect


class FrankaSimNode(ConfiguredNode):
    """Serves the protocol as the robot's control unit does: a state every millisecond."""

    def __init__(self) -> None:
        super().__init__("franka_sim_node")
        self._address = robot_address(self.config)

    def run(self, stop: StopSignal) -> None:
        """Serves until a stop is requested and the driver has disconnected, or until 1.5 s after the request."""
        with MujocoSimulator() as simulator:
            simulator.add_robot(initial_q=self.config.robot.start, kv=_VELOCITY_GAIN)
            try:
                server = SimulationServer(simulator, hostname_candidates=[self._address])
                server.init()
            except OSError as error:
                raise RobotError(f"cannot serve an FR3 at {self._address}: {error}") from None
            self.get_logger().info(f"an FR3 is simulated at {self._address}; {lock_memory()}")
            freeze_garbage()
            try:
                self._serve(server, stop)
            finally:
                server.cleanup()

    def _serve(self, server: SimulationServer, stop: StopSignal) -> None:
        due, deadline = time.monotonic(), float("inf")
        while not stop.requested or (server.robot_servers[0].tcp_connected and due < deadline):
            server.run_once(realtime=False)
            due += PERIOD
            now = time.monotonic()
            if now < due:
                time.sleep(due - now)
            elif now - due > _LONGEST_CATCH_UP:
                due = now
            if stop.requested:
                deadline = min(deadline, now + _STOP_TIMEOUT)


def main() -> None:
    """Runs the node as a process."""
    run_node(FrankaSimNode, partial(realtime, _PRIORITY))
