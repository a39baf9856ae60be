"""The errors that async_rl raises on purpose: each message says what was wrong, where, and what to do."""


class AsyncRLError(Exception):
    """Base of all of them; a node prints its message as one line and exits with 2."""


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
