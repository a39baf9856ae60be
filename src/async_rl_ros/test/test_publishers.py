"""Publishers that come and go."""

from types import SimpleNamespace

from async_rl_ros.publishers import PublisherCount


def counted(*events: tuple[int, int]) -> list[int]:
    """What is passed on for events of a current and a total count."""
    counts: list[int] = []
    count = PublisherCount(counts.append)
    for current, total in events:
        count(SimpleNamespace(current_count=current, total_count=total))
    return counts


def test_publishers_that_come_and_go_are_counted() -> None:
    assert counted((1, 1), (2, 2), (1, 2)) == [1, 2, 1]


def test_a_publisher_that_came_and_went_between_two_events_is_counted() -> None:
    assert counted((1, 1), (1, 2)) == [1, 2, 1]


def test_publishers_that_were_there_before_the_first_event_are_counted() -> None:
    assert counted((2, 2), (1, 2)) == [2, 1]
