"""The runner of parameterised notebooks; it keeps the executed notebook, HTML, record.json and tables as CSV."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.benchmark.figures import FIGURES, VERDICT
from autopicker_lab.benchmark.kernels import private_kernels
from autopicker_lab.benchmark.parameters import OUT, Expression, all_parameters_of, check_parameters, parameters_of
from autopicker_lab.benchmark.report import report_html
from autopicker_lab.core import AutopickerError, InvalidRequestError, RunStamp, StoppedError
from autopicker_lab.core.optional import require
from autopicker_lab.runtime.progress import Progress, report_progress

if TYPE_CHECKING:
    import pandas as pd
    import papermill

RECORD = "record.json"
_ENGINE = "autopicker"
_MISTAKES = (InvalidRequestError.__name__,)  # as a kernel names what a cell raised


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        folder: of what it kept.
        figures: that the notebook saved.
        error: what it failed of; "" where it did not.
    """

    folder: Path
    figures: Mapping[str, Any]
    parameters: Mapping[str, Any]
    error: str = ""


def run(
    notebook: Path,
    parameters: Mapping[str, Any] | None = None,
    *,
    runs: Path = Path("runs"),
    name: str = "",
    progress: Progress | None = None,
) -> Run:
    """Execute `notebook` with `parameters` in a new folder below `runs`; relative paths are from where this runs.

    Args:
        name: what the run is called in comparisons, and in its folder's name.
        progress: called with (cells done, cells in all).

    Raises:
        StoppedError: `progress` returned False.
        InvalidRequestError: an unknown or a wrong parameter, before anything runs; or what the notebook raised of it.
        AutopickerError: the notebook failed; the executed part stays in the folder.
    """
    require("papermill", "nbconvert", "ipykernel")
    import papermill
    from nbclient.exceptions import DeadKernelError

    values = check_parameters(notebook, parameters or {})
    words = f"{_folder_name(name)}-" if name else ""
    folder = runs / f"{notebook.stem}-{words}{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    folder.mkdir(parents=True)
    executed = folder / notebook.name
    out = {OUT: str(folder.resolve())} if OUT in all_parameters_of(notebook) else {}
    _register_engine()
    try:
        papermill.execute_notebook(
            str(notebook),
            str(executed),
            values | out,
            engine_name=_ENGINE,
            progress_bar=False,
            kernel_name="python3",
            language="python",
            on_cell=progress,
        )
    except papermill.PapermillExecutionError as error:
        raise _failure(error, executed) from None
    except DeadKernelError:
        detail = f"the Python process of '{executed.name}' ended before the notebook did"
        raise AutopickerError(detail, f"it may have run out of memory: see the last cell in {executed}") from None
    figures = json.loads((folder / FIGURES).read_text("utf-8")) if (folder / FIGURES).exists() else {}
    stamp = RunStamp.collect(notebook).to_dict()
    effective = {key: _plain(parameter.default) for key, parameter in parameters_of(notebook).items()} | values
    told = json.loads((folder / VERDICT).read_text("utf-8")) if (folder / VERDICT).exists() else {}
    record = {
        "benchmark": notebook.stem,
        "name": name,
        **told,
        "parameters": effective,
        "figures": figures,
        "stamp": stamp,
    }
    (folder / RECORD).write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    (folder / f"{notebook.stem}.html").write_text(report_html(executed, record), "utf-8")
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

    A run that fails has an `error` and leaves the others alone; where all fail, the first failure is raised.

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
    failed = [result for result in done if result.error]
    if len(failed) == len(points):
        raise AutopickerError(f"every run failed, the first one: {failed[0].error}", f"see {failed[0].folder}")
    return done


def _run_point(notebook: Path, runs: Path, values: Mapping[str, Any]) -> Run:
    try:
        return run(notebook, values, runs=runs)
    except StoppedError:
        raise
    except AutopickerError as error:
        return Run(runs, {}, values, error.detail)


def _folder_name(name: str) -> str:
    return "".join(char if char.isalnum() or char in "-_." else "_" for char in name)[:60]


def _plain(default: Any) -> Any:
    return default.source if isinstance(default, Expression) else default


def sweep_frame(key: str, results: Sequence[Run]) -> pd.DataFrame:
    """Make a table with a row for each run of a sweep over the parameter `key`: its numbers, or its `error`."""
    require("pandas")
    import pandas

    def row(run: Run) -> dict[str, Any]:
        value = run.parameters[key]
        value = json.dumps(value) if isinstance(value, list | dict) else value
        return {key: value, **dict(numbers(run.figures)), **({"error": run.error} if run.error else {})}

    return pandas.DataFrame(map(row, results)).set_index(key)


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


def _register_engine() -> None:
    """Register an engine that reports progress to `on_cell`; papermill's own bar is saved half-way into reports."""
    from papermill.engines import NBClientEngine, papermill_engines
    from traitlets.config import Config

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
            with private_kernels() as configuration:
                options |= {"extra_arguments": quiet, "config": Config(configuration)}
                super().execute_managed_notebook(nb_man, kernel_name, **options)

    papermill_engines.register(_ENGINE, _ReportingEngine)
