"""Trouble that may pass, in the log: once when it comes, once when it is over."""

from rclpy.node import Node


class TroubleLog:
    """Logs the changes of what may be wrong, by its source, so that a lasting trouble fills no terminal."""

    def __init__(self, node: Node) -> None:
        self._logger = node.get_logger()
        self._troubled: set[str] = set()

    def note(self, source: str, trouble: str) -> None:
        """Note what is wrong with `source` now; empty where nothing is."""
        if trouble and source not in self._troubled:
            self._troubled.add(source)
            self._logger.warning(trouble)
        elif not trouble and source in self._troubled:
            self._troubled.remove(source)
            self._logger.info(f"{source}: written again, nothing waits for the disk any more")
