"""Writes the measured tables into docs/performance.md, between their marks.

python -m benchmarks.report
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from async_rl_core.atomic_file import replacing
from benchmarks import lateness, rows, scaling

DOCUMENT = Path(__file__).parent.parent / "docs" / "performance.md"
Row = Mapping[str, Any]

TITLES = {
    "sample": "sample, crop, hand over",
    "update_fp32": "update, float32",
    "update_bf16": "update, bf16",
    "update_gpu": "update, GPU, bf16",
    "inference": "inference, bf16",
    "inference_fp32": "inference, float32",
    "memory": "memory of 1e5 transitions",
    "publication": "policy to the agent",
}


def table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Returns a Markdown table."""
    ruler = ["---"] * len(header)
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, ruler, *lines))


def number(value: float | None) -> str:
    """Returns a number with three significant digits; empty for None."""
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def compared(value: float | None, ours: float) -> str:
    """Returns the reference's time and its ratio to ours."""
    return "" if value is None else f"{number(value)} ({value / ours:.1f}x)"


def results(measured: Sequence[Row]) -> str:
    """Returns the main table."""
    lines = []
    for row in measured:
        ours, target = row.get("median_ms", row.get("gigabytes")), row["target"]
        unit = "GB" if "gigabytes" in row else "ms"
        p99 = f" / {number(row['p99_ms'])}" if row.get("p99_ms") is not None else ""
        wanted = ""
        if target is not None:
            wanted = number(target["median"]) + (f" / {number(target['p99'])}" if target["p99"] else "")
            wanted += "" if row["met"] else " **not met**"
        if row.get("target_here") is not None:
            wanted += f"; here {number(row['target_here'])}" + ("" if row["met_here"] else " **not met**")
        lines.append(
            [
                f"{TITLES[row['name']]}, {row['case'].replace('_b', ', batch ')}",
                f"**{number(ours)}**{p99} {unit}",
                wanted,
                f"{number(row['limit'])} ({ours / row['limit']:.2f}x)",
                compared(row["reference"], ours),
                compared(row.get("reference_default_malloc"), ours),
            ]
        )
    header = ["", "Median / p99", "Target", "Limit (ours / limit)", "Reference, same allocator", "as it comes"]
    return table(header, lines)


def machine(facts: Row) -> str:
    """Returns the paragraph about the machine."""
    return (
        f"Measured on {facts['date'][:10]}: {facts['cpu']}, {facts['cores']} cores, {facts['memory_gb']} GB, "
        f"{facts['system']}, torch {facts['torch']}, {'GPU ' + facts['gpu'] if facts['gpu'] else 'no GPU'}; load "
        f"before the run {facts['load_before']}, {facts['seconds']} s in all. {facts['targets_met']} targets met, "
        f"{facts['targets_missed']} missed."
    )


def growth(points: Sequence[Row]) -> str:
    """Returns the table of sampling and update over batch, image and store."""
    lines = [
        [
            f"{p['width']}x{p['height']}",
            str(p["batch"]),
            f"{p['stored']:,}",
            *(number(p[key]) for key in ("sample_ms", "update_fp32_ms", "update_bf16_ms")),
        ]
        for p in points
    ]
    return table(["Image", "Batch", "Stored", "Sample, ms", "Update, float32, ms", "Update, bf16, ms"], lines)


def load(runs: Sequence[Row]) -> str:
    """Returns the table of the agent's lateness over the learner's load."""
    times = ("lateness_p50_ms", "lateness_p99_ms", "lateness_max_ms")
    lines = [
        [r["load"], str(r["threads"]), f"{r['updates']:,}", f"{r['missed_cycles']} of {r['cycles']:,}"]
        + [number(r[key]) for key in times]
        for r in runs
    ]
    return table(["Learner", "Threads", "Updates", "Missed cycles", "p50, ms", "p99, ms", "max, ms"], lines)


SECTIONS: Mapping[str, tuple[Path, Callable[[Any], str]]] = {
    "machine": (rows.MACHINE, machine),
    "results": (rows.LATEST, results),
    "scaling": (scaling.RESULT, growth),
    "lateness": (lateness.RESULT, load),
}


def insert(document: str, section: str, text: str) -> str:
    """Replaces the text between a section's marks. Raises `ValueError` if it has none."""
    marks = re.compile(f"(<!-- {section} -->\n).*?(<!-- end of {section} -->)", re.DOTALL)
    if marks.search(document) is None:
        raise ValueError(f"the document has no marks <!-- {section} --> and <!-- end of {section} -->")
    return marks.sub(lambda found: f"{found[1]}{text}\n{found[2]}", document)


def main() -> None:
    """Writes every measured section."""
    document = DOCUMENT.read_text(encoding="utf-8")
    for section, (path, form) in SECTIONS.items():
        if path.exists():
            document = insert(document, section, form(json.loads(path.read_text(encoding="utf-8"))))
    with replacing(DOCUMENT) as temporary:
        temporary.write_text(document, encoding="utf-8")


if __name__ == "__main__":
    main()
