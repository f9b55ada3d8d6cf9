"""Run a parameterised notebook and keep what it measured: notebook, HTML, record.json."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autopicker_lab.core import AutopickerError, InvalidRequestError, RunStamp

Progress = Callable[[int, int], None]
FIGURES = "figures.json"
_ENGINE = "autopicker"


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, and the figures that the notebook saved."""

    folder: Path
    figures: Mapping[str, Any]
    parameters: Mapping[str, Any]


def parameters_of(notebook: Path) -> dict[str, dict[str, str]]:
    """Default, type and help of each parameter, by name."""
    import papermill

    return {
        name: {"default": found["default"], "type": found["inferred_type_name"], "help": found["help"]}
        for name, found in papermill.inspect_notebook(str(notebook)).items()
    }


def run(
    notebook: Path,
    parameters: Mapping[str, Any] | None = None,
    *,
    runs: Path = Path("runs"),
    progress: Progress | None = None,
) -> Run:
    """Execute `notebook` with `parameters` in a new folder below `runs`.

    Args:
        progress: called with (cells done, cells in all).

    Raises:
        InvalidRequestError: an unknown parameter, before anything runs; the hint names the nearest.
        AutopickerError: the notebook failed; the executed part stays in the folder.
    """
    import papermill

    given = dict(parameters or {})
    known = parameters_of(notebook)
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known) or 'none'}"
            raise InvalidRequestError(f"'{notebook.name}' has no parameter '{name}'", hint)
    folder = runs / f"{notebook.stem}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    folder.mkdir(parents=True)
    executed = folder / notebook.name
    if "out" in known:
        given["out"] = str(folder.resolve())
    _register(progress)
    try:
        papermill.execute_notebook(
            str(notebook),
            str(executed),
            given,
            engine_name=_ENGINE,
            progress_bar=False,
            cwd=str(notebook.parent),
            kernel_name="python3",
        )
    except papermill.PapermillExecutionError as error:
        detail = f"'{notebook.name}' failed in cell {error.cell_index}: {error.ename}: {error.evalue}"
        raise AutopickerError(detail, f"see {executed}") from None
    figures = json.loads((folder / FIGURES).read_text("utf-8")) if (folder / FIGURES).exists() else {}
    stamp = RunStamp.collect(notebook).to_dict()
    record = {"benchmark": notebook.stem, "parameters": given, "figures": figures, "stamp": stamp}
    (folder / "record.json").write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    (folder / f"{notebook.stem}.html").write_text(to_html(executed), "utf-8")
    return Run(folder, figures, given)


def save_figures(figures: Mapping[str, Any], out: str | Path) -> None:
    """What a benchmark notebook calls last: its figures, by name, into the run's folder; what is missing is null."""
    if str(out):
        Path(out, FIGURES).write_text(json.dumps(_known(figures), indent=2, allow_nan=False) + "\n", "utf-8")


def _known(value: Any) -> Any:
    """The value with None for every number that is none: JSON has no word for NaN."""
    if isinstance(value, Mapping):
        return {key: _known(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_known(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def to_html(executed: Path) -> str:
    """The notebook as one HTML page that needs no network: no scripts from elsewhere, code folded away."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(
        exclude_input=True, embed_images=True, mathjax_url="", require_js_url="", jquery_url="", widget_renderer_url=""
    )
    html: str = exporter.from_filename(str(executed))[0]
    return html


def _register(progress: Progress | None) -> None:
    """papermill's own bar is saved half-way into reports; progress goes to the callback instead."""
    from papermill.engines import NBClientEngine, papermill_engines

    class Reporting(NBClientEngine):  # type: ignore[misc]  # papermill carries no types
        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:
            total = len(nb_man.nb.cells)
            finish = nb_man.cell_complete

            def complete(cell: Any, cell_index: int | None = None, **more: Any) -> None:
                finish(cell, cell_index=cell_index, **more)
                if progress is not None and cell_index is not None:
                    progress(cell_index + 1, total)

            nb_man.cell_complete = complete
            super().execute_managed_notebook(nb_man, kernel_name, **options)

    papermill_engines.register(_ENGINE, Reporting)
