"""Completion of words in the shell, by argcomplete."""

import argparse
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from async_rl_core.bringup.arguments import Argument


def complete(action: argparse.Action, words: Callable[[], Iterable[str]]) -> None:
    """Completes an argument with the words that a function returns."""

    def completer(prefix: str, **_: object) -> list[str]:
        return [word for word in words() if word.startswith(prefix)]

    action.completer = completer  # type: ignore[attr-defined]  # argcomplete reads it


def complete_arguments(action: argparse.Action, arguments: "Callable[[], Iterable[Argument]]") -> None:
    """Completes `<name>:=<value>` with the names of launch arguments, then with the values that are allowed."""

    def words() -> list[str]:
        found = []
        for argument in arguments():
            found.append(f"{argument.name}:=")
            found += [f"{argument.name}:={value}" for value in _values(argument)]
        return found

    complete(action, words)


def _values(argument: "Argument") -> Iterable[str]:
    from async_rl_core.config.catalogue import presets, robots

    by_name = {"preset": presets, "robot": robots}
    return by_name[argument.name]() if argument.name in by_name else argument.choices
