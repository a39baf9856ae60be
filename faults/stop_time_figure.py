"""Figure of a promise about the time to a stop."""

from collections.abc import Sequence
from pathlib import Path


def draw(path: Path, title: str, zeros: Sequence[float], rests: Sequence[float], required: float) -> None:
    """Draws histograms of the ms to a zero command and to rest, with the required time (s)."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3.5), layout="constrained")
    edges = range(0, round(max(*zeros, *rests, 1e3 * required)) + 10, 4)
    axes.hist(zeros, edges, label="zero on the wire", alpha=0.7)
    axes.hist(rests, edges, label="arm at rest", alpha=0.7)
    axes.axvline(1e3 * required, color="black", linestyle="--", label="required, on the wire")
    axes.set(xlabel="ms after the signal", ylabel="times", title=f"{title} ({len(zeros)} times)")
    axes.legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
