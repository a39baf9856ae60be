"""The target full screen, in a separate process, so that a slow display never delays the topic.

It reads lines `x y radius width height` from its standard input, draws the newest, and ends with the input or when
the window is closed. The first line that it writes is `ready`, or the problem.
"""

import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pygame

WHITE = (255, 255, 255)
RED = (255, 0, 0)
POLL = 0.05
"""Seconds between looks at the window's events."""
NO_WINDOW = ("dummy", "offscreen")
"""SDL's drivers that draw into memory only: it falls back to them silently where no display is found."""


@dataclass(frozen=True, slots=True)
class Disc:
    """A disc in a picture of `width` x `height` units, origin top left."""

    x: float
    y: float
    radius: float
    width: float
    height: float

    def on(self, screen: tuple[int, int]) -> tuple[tuple[float, float], float]:
        """Returns centre and radius in pixels, the picture as large as it fits and in the middle of the screen."""
        scale = min(screen[0] / self.width, screen[1] / self.height)
        left = (screen[0] - scale * self.width) / 2
        top = (screen[1] - scale * self.height) / 2
        return (left + scale * self.x, top + scale * self.y), scale * self.radius


def newest(buffer: bytes) -> tuple[Disc | None, bytes]:
    """Returns the last complete line of `buffer` as a disc, if there is one, and the rest of the buffer."""
    lines, _, rest = buffer.rpartition(b"\n")
    if not lines:
        return None, rest
    x, y, radius, width, height = (float(word) for word in lines.rpartition(b"\n")[2].split())
    return Disc(x, y, radius, width, height), rest


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Suppresses the messages of SDL's drivers while they are tried in turn."""
    kept = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


def open_screen() -> pygame.Surface:
    """Returns a full-screen window. Raises `pygame.error` where there is no display."""
    with quiet_stderr():
        pygame.display.init()
    driver = pygame.display.get_driver()
    if driver in NO_WINDOW and os.environ.get("SDL_VIDEODRIVER") != driver:
        raise pygame.error("no display was found")
    screen = pygame.display.set_mode((0, 0), pygame.FULLSCREEN)
    pygame.display.set_caption("async_rl target")
    pygame.display.set_allow_screensaver(False)
    pygame.mouse.set_visible(False)
    return screen


def draw(screen: pygame.Surface, disc: Disc) -> None:
    """Draws a red disc on white."""
    screen.fill(WHITE)
    pygame.draw.circle(screen, RED, *disc.on(screen.get_size()))
    pygame.display.flip()


def closed() -> bool:
    """Returns whether the user closed the window or pressed Escape."""
    return any(
        event.type == pygame.QUIT or (event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE)
        for event in pygame.event.get()
    )


def serve(screen: pygame.Surface) -> None:
    """Draws the discs that arrive until the input ends or the window is closed."""
    buffer = b""
    while not closed():
        if not select.select([0], [], [], POLL)[0]:
            continue
        data = os.read(0, 65536)
        if not data:
            return
        disc, buffer = newest(buffer + data)
        if disc is not None:
            draw(screen, disc)


def main() -> None:
    """Opens the window, reports it, and draws. The parent ends this process by closing its input."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    try:
        screen = open_screen()
    except pygame.error as error:
        print(error, flush=True)
        sys.exit(1)
    screen.fill(WHITE)
    pygame.display.flip()
    print("ready", flush=True)
    serve(screen)
    pygame.quit()


if __name__ == "__main__":
    main()
