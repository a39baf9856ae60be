"""Runs as text: a table, and a comparison."""

from collections.abc import Mapping, Sequence

from async_rl_core.monitoring.run_facts import RunFacts

COLUMNS = ("run", "state", "task", "preset", "robot", "episodes", "updates", "last 10", "random", "ratio", "faults")
FIGURES = (
    "episodes", "env_steps", "updates", "wall_time_s", "target_term_last_10", "target_term_random", "target_term_ratio",
    "return_last_10", "missed_cycles", "cycles", "lateness_p50_ms", "lateness_p99_ms", "faults", "fault_at_the_end",
)  # fmt: skip
"""Figures of the summary in a comparison."""

_OWN = ("run_dir", "checksum")
"""Keys of a configuration that differ between any two runs."""
_WIDEST = 60


def table(runs: Sequence[RunFacts]) -> list[str]:
    """Returns a line per run under a header."""
    rows = [COLUMNS, *map(_row, runs)]
    return _aligned(rows)


def comparison(runs: Sequence[RunFacts]) -> list[str]:
    """Returns differing configuration keys and figures, one column per run."""
    names = [printable(run.folder.name or str(run.folder)) for run in runs]
    flat = [_flattened(run.config) for run in runs]
    keys = sorted(set().union(*flat) - set(_OWN))
    differing = [key for key in keys if len({repr(values.get(key, "-")) for values in flat}) > 1]
    configuration = [("configuration", *names), *((key, *(_cell(v.get(key, "-")) for v in flat)) for key in differing)]
    lines = _aligned(configuration) if differing else []
    if len(runs) > 1 and not differing:
        lines = ["the configurations are the same"]
    figures = [(key, *(_cell(run.figures.get(key)) for run in runs)) for key in FIGURES]
    return [
        *lines,
        *([""] if lines else []),
        *_aligned([("figure", *names), ("state", *(run.state for run in runs)), *figures]),
    ]


def printable(text: str) -> str:
    """Returns a text without control characters."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _row(run: RunFacts) -> tuple[str, ...]:
    whole = [_figure(run, key, 0) for key in ("episodes", "updates")]
    terms = [
        _figure(run, f"target_term_{key}", digits) for key, digits in (("last_10", 2), ("random", 2), ("ratio", 1))
    ]
    words = [run.folder.name, run.state, run.task or "?", run.preset or "?", run.robot or "?"]
    return (*map(printable, words), *whole, *terms, _figure(run, "faults", 0))


def _figure(run: RunFacts, key: str, digits: int) -> str:
    value = run.number(key)
    return "-" if value is None else f"{value:.{digits}f}"


def _cell(value: object) -> str:
    if value is None:
        return "-"
    text = f"{value:g}" if isinstance(value, float) else printable(str(value))
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 3]}..."


def _flattened(values: Mapping[str, object], above: str = "") -> dict[str, object]:
    """Returns nested mappings as one mapping with dotted keys."""
    flat: dict[str, object] = {}
    for key, value in values.items():
        dotted = f"{above}{key}"
        if isinstance(value, dict) and value:
            flat |= _flattened(value, f"{dotted}.")
        else:
            flat[dotted] = value
    return flat


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(f"{word:{width}}" for word, width in zip(row, widths, strict=True)).rstrip() for row in rows]
