"""Holds recent steps until camera, guard and target have confirmed them."""

from collections.abc import Sequence

from async_rl_core.agent.outbox import Outbox


class ConfirmationGate:
    """Holds the newest steps in the outbox until camera and witnesses confirm that they are real experience.

    The camera confirms by an image that shows something new, a witness through `confirm`.

    Args:
        outbox: holds the steps.
        witnesses: names of those that must confirm every step besides the camera.
        has_camera: whether a camera must confirm the steps.
    """

    def __init__(self, outbox: Outbox, witnesses: Sequence[str], has_camera: bool = True) -> None:
        self._outbox, self._has_camera = outbox, has_camera
        self._unseen = self._awaited = 0
        self._unconfirmed = dict.fromkeys(witnesses, 0)

    def confirm(self, witness: str) -> None:
        """Confirms every step recorded so far on behalf of `witness`."""
        self._unconfirmed[witness] = 0

    def update(self, recorded: bool, image_changed: bool) -> None:
        """Sets how many steps the outbox holds, after a cycle that may have recorded a step or brought a new image."""
        self._unseen = 0 if image_changed or not self._has_camera else self._unseen + recorded
        for witness in self._unconfirmed:
            self._unconfirmed[witness] += recorded
        # Witnesses confirm once a second, but one step leaves per cycle: many at once would cause many updates.
        self._awaited = max(0, self._awaited + recorded - 1, *self._unconfirmed.values())
        self._outbox.held = max(self._unseen, self._awaited)

    def withdraw(self) -> None:
        """Discards the steps that nobody has confirmed."""
        self._outbox.withdraw()
        self._unseen = self._awaited = 0
        self._unconfirmed = dict.fromkeys(self._unconfirmed, 0)
