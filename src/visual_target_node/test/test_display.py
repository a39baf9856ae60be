"""The window process, on SDL's dummy driver; and what is said where there is no screen."""

import pytest

from visual_target_node.display import Display, DisplayError
from visual_target_node.window import Disc, newest

TIMEOUT = 60.0


@pytest.fixture
def screenless(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Without a screen, and with time for the window's process, which others may keep from the processor."""
    for limit in ("START_TIMEOUT", "STOP_TIMEOUT"):
        monkeypatch.setattr(f"visual_target_node.display.{limit}", TIMEOUT)
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(variable, raising=False)
    return monkeypatch


def test_display_disc_is_scaled_and_centred() -> None:
    disc = Disc(80, 45, 7, 160, 90)
    assert disc.on((1920, 1080)) == ((960, 540), 84)
    assert disc.on((1920, 1200)) == ((960, 600), 84)  # bars above and below, so that it stays round
    assert Disc(0, 0, 7, 160, 90).on((1920, 1200)) == ((0, 60), 84)


@pytest.mark.parametrize(
    ("buffer", "disc", "rest"),
    [
        (b"", None, b""),
        (b"1 2 3", None, b"1 2 3"),
        (b"1 2 3 4 5\n", Disc(1, 2, 3, 4, 5), b""),
        (b"1 2 3 4 5\n6 7 8 9 10\n11 ", Disc(6, 7, 8, 9, 10), b"11 "),
    ],
)
def test_display_newest_line_wins(buffer: bytes, disc: Disc | None, rest: bytes) -> None:
    assert newest(buffer) == (disc, rest)


def test_display_window_opens_draws_and_closes(screenless: pytest.MonkeyPatch) -> None:
    screenless.setenv("SDL_VIDEODRIVER", "dummy")
    display = Display()
    display.show(80, 45, 7, 160, 90)
    display.close()
    assert display._window.returncode == 0


def test_display_window_that_hangs_never_delays_show(screenless: pytest.MonkeyPatch) -> None:
    screenless.setenv("SDL_VIDEODRIVER", "dummy")
    display = Display()
    display._window.send_signal(19)  # SIGSTOP: it reads no more
    for _ in range(10_000):  # several times what a pipe holds
        display.show(80, 45, 7, 160, 90)
    display._window.send_signal(18)
    display.close()


def test_display_closed_window_is_an_error(screenless: pytest.MonkeyPatch) -> None:
    screenless.setenv("SDL_VIDEODRIVER", "dummy")
    display = Display()
    display._window.kill()
    display._window.wait()
    with pytest.raises(DisplayError, match="was closed"):
        display.show(80, 45, 7, 160, 90)
    display.close()


def test_display_missing_screen_is_one_clear_line(screenless: pytest.MonkeyPatch) -> None:
    with pytest.raises(DisplayError, match=r"^visual_target_node: cannot open .* use display:=false$"):
        Display()
