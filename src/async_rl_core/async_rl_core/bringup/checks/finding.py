"""One finding of `async_rl doctor`."""

from dataclasses import dataclass
from typing import Literal

State = Literal["fine", "could be better", "missing"]


@dataclass(frozen=True)
class Finding:
    """One finding. Without what is 'missing' the suite cannot run; `remedy` says what to do."""

    subject: str
    state: State
    finding: str
    remedy: str = ""


def from_error(subject: str, state: State, error: Exception) -> Finding:
    """Returns a finding from an error of the form '<problem>; <remedy>'."""
    finding, _, remedy = str(error).rpartition("; ") if "; " in str(error) else (str(error), "", "")
    return Finding(subject, state, finding, remedy)
