"""The base class of every section of the configuration."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class ByKey:
    """Marks a mapping of a section that a preset changes entry by entry, and does not replace as a whole.

    An entry that has the key `identity` is complete, and replaces the one before it.
    """

    identity: str = ""


class KeyedError(ValueError):
    """An error in one key of a section; `key` is relative to the section that raises it."""

    def __init__(self, message: str, *key: str | int) -> None:
        super().__init__(message)
        self.key = tuple(map(str, key))


class Section(BaseModel):
    """A group of settings: immutable, and a key that is not declared is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
