"""The errors that async_rl raises on purpose. Each message says what is wrong, where, and what to do."""

import difflib
from collections.abc import Iterable


class AsyncRLError(Exception):
    """The base class of these errors. A node prints the message as one line and exits with code 2."""


class ConfigError(AsyncRLError):
    """A configuration that cannot be run."""


class TransportError(AsyncRLError):
    """Shared memory that cannot be had, is occupied, or carries what was not agreed."""


class SimulationError(AsyncRLError):
    """A model or a renderer that cannot be had."""


class SafetyError(AsyncRLError):
    """A guard that cannot judge, so must not run."""


class RobotError(AsyncRLError):
    """A robot that cannot be reached, or no longer."""


class ImageError(AsyncRLError):
    """A camera's picture that cannot be used."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Returns '; did you mean ...' with the known word nearest to a misspelt one, or an empty string."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'" if near else ""
