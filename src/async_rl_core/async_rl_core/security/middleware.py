"""A check that the installed middleware supports SROS2."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from async_rl_core.errors import ConfigError
from async_rl_core.ros_environment import library_folders

PLUGIN = b"builtin.PKI-DH"
"""The name of the authentication plug-in in a Fast DDS that was built with security."""

_LIBRARIES = ("libfastdds.so.*", "libfastrtps.so.*")  # of Fast DDS 3, and of Jazzy's 2


def require_plugins(ambient: Mapping[str, str]) -> None:
    """Raises `ConfigError` if the Fast DDS that the nodes would load was built without its security plug-ins.

    Its nodes would refuse to start, each with an error of the middleware's. Another middleware is left to itself.
    """
    library = next(_libraries(ambient), None)
    if library is not None and PLUGIN not in library.read_bytes():
        raise ConfigError(
            f"secure:=true, but {library} was built without security (-DSECURITY=ON); use the packages of ROS 2, which "
            "have it, or leave secure out"
        )


def _libraries(ambient: Mapping[str, str]) -> Iterator[Path]:
    """Fast DDS's, in the order in which the loader looks for them."""
    if not ambient.get("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp").startswith("rmw_fastrtps"):
        return
    for folder in library_folders(ambient):
        for name in _LIBRARIES:
            yield from sorted(folder.glob(name))
