"""The n-step return of a transition."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class NStepReturn:
    """R = sum of discount**k r_k over up to `steps` rewards, then discount**m V(o'), o' being m steps after o.

    m is less than `steps` where the episode ends or no newer step is stored (Sutton and Barto, 2018, equation 7.1).
    """

    discount: float
    steps: int = 1

    def __call__(
        self, reward: NDArray[np.float32], terminal: NDArray[np.bool_], follows: NDArray[np.bool_]
    ) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
        """Returns m (B,), R (B,) and the factor on V(o') (B,), which is 0 where o' is terminal.

        All arguments are (B, steps). `follows` tells whether a step continues the one before it; the first does.
        """
        counts = follows.copy()
        counts[:, 1:] &= ~terminal[:, :-1]
        np.logical_and.accumulate(counts, axis=1, out=counts)
        m = counts.sum(axis=1)
        discounts = self.discount ** np.arange(self.steps)
        value = (np.where(counts, reward, 0.0) * discounts).sum(axis=1)
        ended = terminal[np.arange(len(m)), m - 1]
        return m, value, np.where(ended, 0.0, self.discount**m)
