"""Figures in a notebook."""

import subprocess
import sys

import pytest

from autopicker_lab.core.figures import axes

SHELL = """
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

shell = InteractiveShell.instance()
for cell in ("from autopicker_lab.core.figures import axes", *["ax = axes(None, (2, 1)); ax.plot([1, 2]);"] * 3):
    with capture_output() as captured:
        shell.run_cell(cell)
    print(sum("<svg" in shown.data.get("text/html", "") for shown in captured.outputs))
"""


def test_a_notebook_shows_the_figure_of_each_cell_that_draws_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend turns interaction on when the first figure is made; later ones are shown where it stays on."""
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    done = subprocess.run([sys.executable, "-c", SHELL], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == ["0", "1", "1", "1"], done.stderr


def test_a_legend_that_comes_later_has_no_ground_of_its_own() -> None:
    ax = axes(None, (2, 1))
    ax.plot([1, 2], label="live")
    legend = ax.legend()
    html = ax.figure._repr_html_()  # a PageFigure
    assert "live" in html
    assert not legend.get_frame_on()
