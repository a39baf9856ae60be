"""The count of publishers on a topic."""

from types import SimpleNamespace

from safety_guard_node.topics import PublisherCount


def counted(*events: tuple[int, int]) -> list[int]:
    """Returns the counts reported for events of a current and a total count."""
    counts: list[int] = []
    count = PublisherCount(counts.append)
    for current, total in events:
        count(SimpleNamespace(current_count=current, total_count=total))
    return counts


def test_publisher_count_of_a_publisher_that_leaves_falls() -> None:
    assert counted((1, 1), (2, 2), (1, 2)) == [1, 2, 1]


def test_publisher_count_includes_one_that_left_between_two_events() -> None:
    assert counted((1, 1), (1, 2)) == [1, 2, 1]


def test_publisher_count_includes_those_before_the_first_event() -> None:
    assert counted((2, 2), (1, 2)) == [2, 1]
