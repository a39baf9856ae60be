"""Pictures as files."""

from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure

from async_rl_core.atomic_file import replacing


def write_figure(figure: Figure, output: Path) -> None:
    """Draw a figure, then write it as a PNG; the file is whole or not there."""
    picture = BytesIO()
    figure.savefig(picture, format="png")  # takes long, while there is no file yet that a kill would leave
    with replacing(output) as temporary:
        temporary.write_bytes(picture.getvalue())
