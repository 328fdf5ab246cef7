"""Pictures of the files that we write, for `dealer plot`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from spectrometer.spectra.files import Panel, Picture, read_picture

__all__ = ["draw_file"]

WIDTH, HEIGHT, TITLE = 10.0, 3.6, 0.9  # inches
RATIO_FOR_LOG = 100.0


def draw_file(path: Path, output: Path) -> str:
    """Draw the mean of a file's spectra, or profiles, into a picture.

    Args:
        path: What `spectrometer-daq` wrote.
        output: A .png, .svg or .pdf file.

    Returns:
        What is drawn, in a line.

    Raises:
        ValueError: The file is none of ours, or `output` no form of pictures.
        OSError: It cannot be read, or the picture not be written.
    """
    from matplotlib.figure import Figure  # late: a second

    picture = read_picture(path)
    figure = Figure(figsize=(WIDTH, TITLE + HEIGHT * len(picture.panels)), layout="constrained")
    for axes, panel in zip(
        figure.subplots(len(picture.panels), squeeze=False)[:, 0], picture.panels, strict=True
    ):
        _draw(axes, panel)
    figure.suptitle(f"{picture.title}\n{picture.subtitle}", fontsize="medium")
    figure.savefig(output, dpi=110)
    return _told(picture)


def _draw(axes: Any, panel: Panel) -> None:
    for name, values in panel.curves.items():
        axes.plot(panel.x, values, linewidth=0.8, label=name)
    least = min(float(np.nanmin(curve)) for curve in panel.curves.values())
    if (
        least > 0
        and max(float(np.nanmax(curve)) for curve in panel.curves.values()) > RATIO_FOR_LOG * least
    ):
        axes.set_yscale("log")
    for place, name in panel.marks.items():
        axes.axvline(place, color="tab:red", linewidth=0.7, linestyle="--", label=name)
    axes.set_xlabel(panel.x_label)
    axes.set_ylabel(panel.y_label)
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.locator_params(axis="x", nbins=6)
    axes.margins(x=0.01)
    axes.legend(loc="upper right", fontsize="small")


def _told(picture: Picture) -> str:
    curves = "; ".join(
        f"{', '.join(panel.curves)} over {panel.x_label}" for panel in picture.panels[:2]
    )
    return f"{picture.title}: {curves}"
