"""Environment variables of ROS 2."""

from pathlib import Path

import pytest

from async_rl_core.errors import ConfigError
from async_rl_core.ros_environment import ament_prefixes, library_folders, prefixes_of, ros_domain


def test_ros_domain_unset_or_empty_is_0() -> None:
    assert ros_domain({"ROS_DOMAIN_ID": ""}) == ros_domain({}) == 0


@pytest.mark.parametrize("text", ["-1", "233", "x", "1.5", " 7", "05", "٣", "1" * 30])
def test_ros_domain_invalid_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="ROS_DOMAIN_ID is"):
        ros_domain({"ROS_DOMAIN_ID": text})


def test_library_folders_come_in_the_order_of_the_loader() -> None:
    ambient = {"LD_LIBRARY_PATH": ":/a:/b", "AMENT_PREFIX_PATH": "/c::/d"}
    assert ament_prefixes(ambient) == [Path("/c"), Path("/d")]
    assert library_folders(ambient) == [Path("/a"), Path("/b"), Path("/c/lib"), Path("/d/lib")]
    assert ament_prefixes({}) == library_folders({}) == []


def test_prefixes_of_package_are_those_with_its_marker(tmp_path: Path) -> None:
    marker = tmp_path / "share" / "ament_index" / "resource_index" / "packages" / "arm"
    marker.parent.mkdir(parents=True)
    marker.touch()
    ambient = {"AMENT_PREFIX_PATH": f"/nowhere:{tmp_path}"}
    assert prefixes_of("arm", ambient) == [tmp_path] and prefixes_of("leg", ambient) == []
