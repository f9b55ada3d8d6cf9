"""The runner of parameterised notebooks; it keeps the executed notebook, HTML, record.json and tables as CSV."""

from __future__ import annotations

import ast
import difflib
import json
import math
import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import AutopickerError, InvalidRequestError, RunStamp, StoppedError
from autopicker_lab.core.optional import require
from autopicker_lab.runtime.progress import Progress, report_progress

if TYPE_CHECKING:
    import pandas as pd
    import papermill

FIGURES = "figures.json"
RECORD = "record.json"
_ENGINE = "autopicker"
_MISTAKES = (InvalidRequestError.__name__,)  # as a kernel names what a cell raised
_OUT = "out"  # the parameter that names the run's folder


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, and the figures that the notebook saved."""

    folder: Path
    figures: Mapping[str, Any]
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a benchmark: its name, its default, and what it is for."""

    name: str
    default: Any
    help: str

    @property
    def kind(self) -> str:
        """The name of its type: int, float, bool or str."""
        return type(self.default).__name__

    def read(self, value: Any) -> Any:
        """Convert a value, or its text, to the type of the default; InvalidRequestError says what it must be."""
        try:
            return _convert(type(self.default), value)
        except ValueError:
            detail = f"'{self.name}' must be {_ARTICLES.get(self.kind, self.kind)}, not {value!r}"
            raise InvalidRequestError(detail, f"the default is {self.default!r}") from None


_ARTICLES = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a text"}


def _convert(kind: type, value: Any) -> Any:
    if kind is str:
        return str(value)
    if kind is bool:
        values = {"true": True, "false": False, "1": True, "0": False}
        if str(value).lower() not in values:
            raise ValueError
        return values[str(value).lower()]
    if kind in (int, float):
        if isinstance(value, bool) or (kind is int and isinstance(value, float) and not value.is_integer()):
            raise ValueError
        number = kind(value)
        if isinstance(number, float) and not math.isfinite(number):
            raise ValueError
        return number
    return value


def parameters_of(notebook: Path) -> dict[str, Parameter]:
    """Read the parameters of a benchmark by name, but for `out`, which the runner sets."""
    return {name: parameter for name, parameter in _inspect(notebook).items() if name != _OUT}


def _inspect(notebook: Path) -> dict[str, Parameter]:
    require("papermill")
    import papermill

    raw = papermill.inspect_notebook(str(notebook))
    return {name: Parameter(name, ast.literal_eval(about["default"]), about["help"]) for name, about in raw.items()}


def check_parameters(notebook: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Convert values to the types of a benchmark's parameters.

    Raises:
        InvalidRequestError: an unknown parameter, or a value of another type; the hint names the nearest.
    """
    known = parameters_of(notebook)
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known) or 'none'}"
            raise InvalidRequestError(f"'{notebook.name}' has no parameter '{name}'", hint)
    return {name: known[name].read(value) for name, value in values.items()}


def run(
    notebook: Path,
    parameters: Mapping[str, Any] | None = None,
    *,
    runs: Path = Path("runs"),
    progress: Progress | None = None,
) -> Run:
    """Execute `notebook` with `parameters` in a new folder below `runs`; relative paths are from where this runs.

    Args:
        progress: called with (cells done, cells in all).

    Raises:
        StoppedError: `progress` returned False.
        InvalidRequestError: an unknown or a wrong parameter, before anything runs; or what the notebook raised of it.
        AutopickerError: the notebook failed; the executed part stays in the folder.
    """
    require("papermill", "nbconvert", "ipykernel")
    import papermill

    values = check_parameters(notebook, parameters or {})
    folder = runs / f"{notebook.stem}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    folder.mkdir(parents=True)
    executed = folder / notebook.name
    out = {_OUT: str(folder.resolve())} if _OUT in _inspect(notebook) else {}
    _register_engine()
    try:
        papermill.execute_notebook(
            str(notebook),
            str(executed),
            values | out,
            engine_name=_ENGINE,
            progress_bar=False,
            kernel_name="python3",
            on_cell=progress,
        )
    except papermill.PapermillExecutionError as error:
        raise _failure(error, executed) from None
    figures = json.loads((folder / FIGURES).read_text("utf-8")) if (folder / FIGURES).exists() else {}
    stamp = RunStamp.collect(notebook).to_dict()
    effective = {name: parameter.default for name, parameter in parameters_of(notebook).items()} | values
    record = {"benchmark": notebook.stem, "parameters": effective, "figures": figures, "stamp": stamp}
    (folder / RECORD).write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    (folder / f"{notebook.stem}.html").write_text(to_html(executed, effective, stamp), "utf-8")
    return Run(folder, figures, effective)


def _failure(error: papermill.PapermillExecutionError, executed: Path) -> AutopickerError:
    """What a notebook failed of: a mistake of the caller's, such as a parameter that names no file, stays one."""
    if error.ename in _MISTAKES:
        return InvalidRequestError(error.evalue)
    detail = f"'{executed.name}' failed in cell {error.cell_index}: {error.ename}: {error.evalue}"
    return AutopickerError(detail, f"see {executed}")


def sweep(
    notebook: Path,
    key: str,
    values: Sequence[Any],
    parameters: Mapping[str, Any] | None = None,
    *,
    jobs: int = 1,
    runs: Path = Path("runs"),
    progress: Progress | None = None,
) -> list[Run]:
    """Run a notebook for each value of one parameter, `jobs` runs at a time; all values are checked first.

    Args:
        progress: called with (runs done, runs in all); returning False ends the sweep with the runs so far.
    """
    if not values:
        raise InvalidRequestError(f"no values for '{key}'", "write --sweep key=a,b,c")
    points = [check_parameters(notebook, {**(parameters or {}), key: value}) for value in values]
    done: list[Run] = []
    work = partial(_run_point, notebook, runs)
    with ExitStack() as stack:
        if jobs > 1:  # in processes: kernels' sockets are not for several threads
            pool = stack.enter_context(ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")))
            results = pool.map(work, points)
        else:
            results = map(work, points)
        for result in results:
            done.append(result)
            if not report_progress(progress, len(done), len(points)):
                if jobs > 1:
                    pool.shutdown(cancel_futures=True)
                break
    return done


def _run_point(notebook: Path, runs: Path, values: Mapping[str, Any]) -> Run:
    return run(notebook, values, runs=runs)


def sweep_frame(key: str, results: Sequence[Run]) -> pd.DataFrame:
    """Make a table with a row for each run of a sweep over the parameter `key`, with all its numbers."""
    require("pandas")
    import pandas

    return pandas.DataFrame([{key: run.parameters[key], **dict(numbers(run.figures))} for run in results]).set_index(
        key
    )


def save_figures(figures: Mapping[str, Any], out: str | Path, tables: Mapping[str, pd.DataFrame] | None = None) -> None:
    """Write a benchmark's figures into its run's folder; a benchmark notebook calls this last.

    Args:
        figures: by name; NaN and None are written as null.
        out: the folder; "" writes nothing.
        tables: written beside the figures as NAME.csv.
    """
    if str(out):
        Path(out, FIGURES).write_text(json.dumps(_without_nan(figures), indent=2, allow_nan=False) + "\n", "utf-8")
        for name, table in (tables or {}).items():
            table.to_csv(Path(out, f"{name}.csv"), index=table.index.name is not None or table.index.nlevels > 1)


def numbers(figures: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Give each number among nested figures with its dotted path."""
    if isinstance(figures, Mapping):
        for key, value in figures.items():
            yield from numbers(value, f"{path}.{key}" if path else str(key))
    elif isinstance(figures, list | tuple):
        for i, value in enumerate(figures):
            yield from numbers(value, f"{path}.{i}")
    elif isinstance(figures, int | float) and not isinstance(figures, bool):
        yield path, float(figures)


def _without_nan(value: Any) -> Any:
    """Replace every NaN and infinity by None: JSON has neither."""
    if isinstance(value, Mapping):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def to_html(executed: Path, parameters: Mapping[str, Any], stamp: Mapping[str, Any]) -> str:
    """Write an executed notebook as one HTML page without its code, which loads nothing from the network.

    The parameters, the time, the machine and the commit stand below the title.
    """
    import nbformat
    from nbconvert import HTMLExporter

    notebook = nbformat.read(executed, 4)
    values = ", ".join(f"{name} = {value!r}" for name, value in parameters.items())
    commit = stamp.get("commit")
    environment = [stamp.get("utc"), stamp.get("machine"), f"commit {commit[:12]}" if commit else None]
    about = f"Parameters: `{values}`\n\nRun: {', '.join(str(part) for part in environment if part)}"
    notebook.cells.insert(1, nbformat.v4.new_markdown_cell(about))
    exporter = HTMLExporter(
        exclude_input=True, embed_images=True, mathjax_url="", require_js_url="", jquery_url="", widget_renderer_url=""
    )
    html: str = exporter.from_notebook_node(notebook)[0]
    return html


def _register_engine() -> None:
    """Register an engine that reports progress to `on_cell`; papermill's own bar is saved half-way into reports."""
    from papermill.engines import NBClientEngine, papermill_engines

    class _ReportingEngine(NBClientEngine):  # type: ignore[misc]  # papermill carries no types
        @classmethod
        def execute_managed_notebook(
            cls, nb_man: Any, kernel_name: str, on_cell: Progress | None = None, **options: Any
        ) -> None:
            total = len(nb_man.nb.cells)
            finish = nb_man.cell_complete

            def complete(cell: Any, cell_index: int | None = None, **more: Any) -> None:
                finish(cell, cell_index=cell_index, **more)
                if cell_index is not None and not report_progress(on_cell, cell_index + 1, total):
                    raise StoppedError.of("the notebook")

            nb_man.cell_complete = complete
            quiet = ["--log-level=ERROR"]  # it would warn of its own sockets on this machine
            super().execute_managed_notebook(nb_man, kernel_name, extra_arguments=quiet, **options)

    papermill_engines.register(_ENGINE, _ReportingEngine)
