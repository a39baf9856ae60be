"""The section of an algorithm's own settings, which its plug-in declares."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Self

from async_rl_core import plugins
from async_rl_core.config.document import Document, last_value
from async_rl_core.config.schema import Config
from async_rl_core.config.section import Section

GROUP = "async_rl.algorithms"
"""The group of entry points that names the algorithms."""


class AlgorithmSection(Section):
    """Settings of one algorithm, in the section that has its name.

    The module of a subclass must import without torch: every process reads the configuration.

    Attributes:
        inherits: the algorithm whose section supplies the values that this one's section does not set; empty for none.
    """

    inherits: ClassVar[str] = ""

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Returns the settings of a run's algorithm. Raises pydantic's ValidationError if they are of another one."""
        return cls.model_validate_json(json.dumps(config.algorithm_settings), strict=True)

    def problems(self, config: Config) -> Iterator[tuple[str, str]]:
        """Yields each contradiction with other settings: the dotted key to change, and the reason."""
        yield from ()


def algorithms() -> list[str]:
    """Returns the names of the installed algorithms, sorted."""
    return plugins.names(GROUP)


def section_class(name: str) -> type[AlgorithmSection]:
    """Returns the class of an installed algorithm's settings. Raises `ConfigError` if it cannot be loaded."""
    return plugins.load(GROUP, name, AlgorithmSection)


def named_algorithms(sources: Sequence[Document]) -> list[str]:
    """Returns the installed algorithms that sources choose or have a section of, and those that these inherit from."""
    chosen = last_value("algorithm", sources)
    named = [name for name in algorithms() if name == chosen or any(name in source.data for source in sources)]
    return list(dict.fromkeys([*(parent for name in named if (parent := section_class(name).inherits)), *named]))


def defaults_file(name: str, folder: Path) -> Path | None:
    """Returns the file of an algorithm's defaults: in `folder`, else beside its module; None if there is none."""
    return plugins.settings_file(section_class(name), name, folder)
