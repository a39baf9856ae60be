import pytest
from rclpy.qos import QoSCompatibility, qos_check_compatible

from async_rl_ros import qos


@pytest.mark.parametrize("publisher", [qos.SENSOR, qos.DRIVER, qos.COMMAND, qos.LATCHED])
def test_sensor_profile_matches_every_publisher(publisher):
    assert qos_check_compatible(publisher, qos.SENSOR)[0] != QoSCompatibility.ERROR


@pytest.mark.parametrize("profile", [qos.COMMAND, qos.DRIVER, qos.LATCHED, qos.LATCHED_HISTORY])
def test_profile_matches_itself(profile):
    assert qos_check_compatible(profile, profile)[0] != QoSCompatibility.ERROR


def test_reliable_profile_does_not_match_best_effort():
    assert qos_check_compatible(qos.SENSOR, qos.COMMAND)[0] == QoSCompatibility.ERROR
