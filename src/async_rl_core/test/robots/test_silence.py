"""When a robot's commander counts as gone."""

from async_rl_core.robots.silence import TIMEOUT, Silence


def test_a_silence_is_told_once_and_only_after_commands() -> None:
    silence = Silence()
    assert not silence.begins(100.0)  # nobody ever spoke
    for i in range(20):
        silence.on_command(0.008 * i)
        assert not silence.begins(0.008 * i + TIMEOUT / 2)
    last = 0.008 * 19
    assert not silence.begins(last + TIMEOUT)
    assert silence.begins(last + TIMEOUT + 0.001)
    assert not silence.begins(last + 10.0)
    silence.on_command(last + 11.0)  # and again
    assert silence.begins(last + 12.0)
