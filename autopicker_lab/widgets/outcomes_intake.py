"""A table of outcomes that a panel is given: dropped, chosen, or named by its path; and tuning it in the background."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.files import expand_path
from autopicker_lab.runtime.scratch import ScratchFolder
from autopicker_lab.tuning import read_outcomes, tune
from autopicker_lab.widgets.parts import Intake, Job, PanelModel, describe_error

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from autopicker_lab.tuning import TuningReport

_SUFFIXES = (".csv", ".gz", ".jsonl", ".json", ".parquet", ".sqlite", ".tsv")
_LARGEST = 200 * 2**20  # bytes of an upload


@dataclass
class OutcomesIntake(Intake):
    """An intake of one table; `on_table` is called with the path of its file."""

    limit: int | None = _LARGEST
    on_table: Callable[[Path], None] = field(default=lambda path: None, repr=False)
    _folders: list[ScratchFolder] = field(default_factory=list, repr=False)

    @property
    def accepts(self) -> str:
        """Suffixes of tables, for the browser's file dialog."""
        return ",".join(_SUFFIXES)

    def add_path(self, text: str) -> None:
        """Take the table at a path."""
        if text.strip():
            self._give(lambda: expand_path(text.strip()))

    def add_upload(self, name: str, content: bytes) -> None:
        """Take a table that was uploaded; it is kept in a folder of its own as long as the intake is."""

        def write() -> Path:
            self._folders.append(ScratchFolder("autopicker-outcomes-"))
            path = Path(self._folders[-1].path, Path(name).name or "outcomes.csv")
            path.write_bytes(content)
            return path

        self._give(write)

    def _give(self, find: Callable[[], Path]) -> None:
        try:
            path = find()
        except Exception as error:  # a panel shows words, never a traceback
            self.message = describe_error(error)
        else:
            self.message = ""
            self.on_table(path)
        self.notify()


@dataclass
class TuningModel(PanelModel):
    """Tuning of a table in the background, without widgets.

    Attributes:
        options: of `tune`.
        report, table: of the last table that was tuned, and its rows; None before.
    """

    options: dict[str, Any] = field(default_factory=dict)
    report: TuningReport | None = None
    table: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        self.job = Job(self.notify)

    def start(self, path: Path) -> None:
        """Read and tune the table at a path (`job.wait()`); what was tuned before is kept where that fails."""

        def work() -> str:
            table = read_outcomes(path)
            report = tune(table, source=path, progress=self._on_progress, **self.options)
            self.table, self.report = table, report
            return f"tuned on {path.name}: {len(report.outcomes):,} prompts"

        self.job.start(work, f"reading {path.name}")

    def _on_progress(self, done: int, total: int) -> bool:
        return self.job.report(done / max(total, 1), "tuning")
