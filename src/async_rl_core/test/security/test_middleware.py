"""A Fast DDS without its plug-ins is found before any node is started with it."""

from pathlib import Path

import pytest

from async_rl_core.errors import ConfigError
from async_rl_core.security.middleware import PLUGIN, require_plugins


@pytest.mark.parametrize("name", ["libfastdds.so.3.2", "libfastrtps.so.2.14"])
def test_require_plugins_checks_the_library_that_is_loaded(name: str, tmp_path: Path) -> None:
    bare, whole = tmp_path / "lib", tmp_path / "whole"
    bare.mkdir()
    whole.mkdir()
    (bare / name).write_bytes(b"\x7fELF security is disabled")
    (whole / name).write_bytes(b"\x7fELF dds.sec.auth." + PLUGIN)
    ambient = {"AMENT_PREFIX_PATH": str(tmp_path)}
    with pytest.raises(ConfigError, match=r"was built without security \(-DSECURITY=ON\)"):
        require_plugins(ambient)
    require_plugins({**ambient, "LD_LIBRARY_PATH": f"{whole}:{bare}"})
    require_plugins({**ambient, "RMW_IMPLEMENTATION": "rmw_cyclonedds_cpp"})
    with pytest.raises(ConfigError):
        require_plugins({**ambient, "LD_LIBRARY_PATH": f":{bare}:{whole}"})
