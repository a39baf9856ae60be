"""Figures as PNG files."""

from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure

from async_rl_core.atomic_file import replacing


def write_figure(figure: Figure, output: Path) -> None:
    """Renders a figure and writes it atomically as a PNG."""
    picture = BytesIO()
    figure.savefig(picture, format="png")  # slow, so before the temporary file exists
    with replacing(output) as temporary:
        temporary.write_bytes(picture.getvalue())
