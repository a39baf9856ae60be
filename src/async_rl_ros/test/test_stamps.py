from builtin_interfaces.msg import Time
from hypothesis import given
from hypothesis import strategies as st

from async_rl_ros.stamps import nanoseconds, ros_time


@given(st.integers(0, 2**31 - 1), st.integers(0, 10**9 - 1))
def test_a_stamp_survives_to_the_nanosecond(sec: int, nanosec: int) -> None:
    stamp = Time(sec=sec, nanosec=nanosec)
    assert ros_time(nanoseconds(stamp)) == stamp
