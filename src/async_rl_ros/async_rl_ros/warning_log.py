"""Warnings about problems that may pass."""

from rclpy.node import Node


class WarningLog:
    """Logs a problem once when it appears and once when it is over, by its source."""

    def __init__(self, node: Node) -> None:
        self._logger = node.get_logger()
        self._open: set[str] = set()

    def update(self, source: str, problem: str) -> None:
        """Takes the present problem of `source`; empty where there is none."""
        if problem and source not in self._open:
            self._open.add(source)
            self._logger.warning(problem)
        elif not problem and source in self._open:
            self._open.remove(source)
            self._logger.info(f"{source}: the problem is over")
