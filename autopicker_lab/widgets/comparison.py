"""The panel that compares runs of benchmarks: ratios of their figures as dots with intervals, and as a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from autopicker_lab.benchmark import compare, known_runs, plot_ratios, telling
from autopicker_lab.core.figures import figure_html
from autopicker_lab.widgets.parts import Panel, PanelModel, sortable

if TYPE_CHECKING:
    import pandas as pd

_LISTED = 10  # runs that are seen without scrolling


@dataclass
class ComparisonModel(PanelModel):
    """The state of the panel, without widgets.

    Attributes:
        folder: of the runs.
        runs: folders of the runs there, by what they are called, the newest first.
        chosen: names of those that are compared; the oldest of them is what the others are held against.
        every: whether figures that do not differ are shown as well.
        table: of `benchmark.compare`; None while there is nothing to compare.
    """

    folder: Path = Path("runs")
    runs: dict[str, Path] = field(default_factory=dict)
    chosen: tuple[str, ...] = ()
    every: bool = False
    table: pd.DataFrame | None = None

    def look(self) -> None:
        """Look for runs anew; those that are chosen stay so."""
        self.runs = known_runs(self.folder)
        self.choose(tuple(name for name in self.chosen if name in self.runs))

    def choose(self, names: tuple[str, ...]) -> None:
        """Compare these runs, the oldest of them first."""
        self.chosen, self.table = names, None
        if len(names) < 2:
            found = f"{len(self.runs)} runs in {self.folder}" if self.runs else f"there is no run in {self.folder}"
            hint = "choose two or more of one benchmark" if self.runs else "make some: autopicker bench NAME"
            self.message = f"{found}: {hint}"
            self.notify()
            return
        oldest_first = [path for name, path in reversed(self.runs.items()) if name in names]
        self.act(lambda: self._compare(oldest_first))

    def show_every(self, every: bool) -> None:
        """Show the figures that do not differ as well, or leave them out."""
        self.every = every
        self.notify()

    @property
    def shown(self) -> pd.DataFrame | None:
        """The rows of the table that are shown."""
        return self.table if self.table is None or self.every else telling(self.table)

    def _compare(self, folders: list[Path]) -> None:
        self.table = compare(folders)


class ComparisonPanel(Panel):
    """The panel in a notebook: `compare_runs("runs")` as the last line of a cell."""

    def __init__(self, folder: str | Path = "runs"):
        import ipywidgets as w

        self.model = model = ComparisonModel(folder=Path(folder))
        wide = w.Layout(width="99%")
        self.runs = w.SelectMultiple(description="runs", rows=_LISTED, layout=wide)
        self.every = w.Checkbox(description="figures that do not differ, too", indent=False)
        self.look = w.Button(description="Look again", tooltip="for runs that were made since")
        self.note = w.HTML()
        self.dots = w.HTML()
        self.figures = w.VBox()
        self._drawn: tuple[object, bool] = (None, False)
        self.on(self.runs, model.choose)
        self.on(self.every, model.show_every)
        self.look.on_click(lambda _: model.look())
        model.listeners.append(self._draw)
        self.view = w.VBox([self.runs, w.HBox([self.look, self.every]), self.note, self.dots, self.figures])
        model.look()

    def _draw(self) -> None:
        with self.following():
            self._follow()

    def _follow(self) -> None:
        model, shown = self.model, self.model.shown
        if list(self.runs.options) != list(model.runs):
            self.runs.options = list(model.runs)
        self.runs.value = model.chosen
        self.every.value = model.every
        words = model.message
        if shown is not None and model.table is not None:
            words = f"{len(shown)} of {len(model.table)} figures differ beyond noise" if not model.every else ""
        self.note.value = f"<span role='status'>{escape(words)}</span>"
        if self._drawn[0] is model.table and self._drawn[1] == model.every:
            return
        self._drawn = model.table, model.every
        rows = 0 if shown is None else min(len(shown), 30)
        self.dots.value = (
            figure_html(lambda ax: plot_ratios(shown, ax), size=(9.0, 1.4 + 0.3 * rows), label="ratios of figures")
            if shown is not None and rows
            else ""
        )
        self.figures.children = [] if shown is None else [sortable(shown.reset_index())]


def compare_runs(folder: str | Path = "runs", *names: str) -> ComparisonPanel:
    """Show the runs of a folder to choose among; `names` are parts of the names of those that are chosen at first."""
    panel = ComparisonPanel(folder)
    chosen = tuple(called for called in panel.model.runs if any(name in called for name in names))
    if chosen:
        panel.model.choose(chosen)
    return panel
