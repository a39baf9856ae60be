"""The tiny learner of the algorithms' tests."""

from ..algorithms.conftest import make_batch, one_thread, small, spec

__all__ = ["make_batch", "one_thread", "small", "spec"]
