"""One finding of `async_rl doctor`."""

from dataclasses import dataclass
from typing import Literal

State = Literal["fine", "could be better", "missing"]


@dataclass(frozen=True)
class Finding:
    """One finding. 'missing' is what the suite cannot run without; `remedy` says what to do."""

    subject: str
    state: State
    finding: str
    remedy: str = ""


def from_error(subject: str, state: State, error: Exception) -> Finding:
    """A finding from an error in our form: what is wrong; what to do."""
    finding, _, remedy = str(error).rpartition("; ") if "; " in str(error) else (str(error), "", "")
    return Finding(subject, state, finding, remedy)
