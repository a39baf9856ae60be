from async_rl_core.agent.target_placement import RETRY_PERIOD, TargetPlacement


def test_target_placement_is_requested_again_until_it_is_placed() -> None:
    requests: list[int] = []
    target = TargetPlacement(requests.append)
    target.start(10.0)
    for now in (10.0, 10.0 + 0.5 * RETRY_PERIOD, 10.0 + RETRY_PERIOD):
        target.request_when_due(now, episode=3)
    assert requests == [3, 3]
    assert not target.is_placed(3)
    target.placed(3)
    assert target.is_placed(3) and not target.is_placed(4)


def test_target_placement_late_answer_for_an_earlier_episode_changes_nothing() -> None:
    target = TargetPlacement(lambda episode: None)
    target.placed(4)
    target.placed(3)
    assert target.is_placed(4)
