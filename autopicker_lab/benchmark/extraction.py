"""The measurements of benchmarks/extraction.ipynb: engines read files with a known truth, each in its own process."""

from __future__ import annotations

import itertools
import math
import multiprocessing
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.benchmark.engines import ENGINES, installed
from autopicker_lab.benchmark.truth import Case, score
from autopicker_lab.core import InvalidRequestError, StoppedError
from autopicker_lab.core.figures import grid
from autopicker_lab.core.optional import require
from autopicker_lab.core.show import MARKS, SERIES
from autopicker_lab.extraction import extract_many
from autopicker_lab.runtime.progress import Progress, report_progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

_NAMED = 5  # files of a kind that fail
SCORES = ("nid", "head", "cells", "rows", "checks")
WORDS = {  # columns as a table for people names them
    "nid": "text similarity",
    "head": "headings kept",
    "cells": "table cells found",
    "rows": "neighbours on one line",
    "checks": "facts that hold",
    "median_ms": "median, ms",
    "peak_mib": "peak memory, MiB",
}


def compare(
    cases: Sequence[Case],
    engines: Sequence[str] = (),
    *,
    rounds: int = 3,
    timeout_s: float = 60.0,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Measure engines on files: a table with a row for each engine and file that it reads.

    Args:
        engines: names of `ENGINES`; by default all that are installed.
        rounds: readings of a file; `ms` is their median. One reading before the first file of a kind warms the engine
            up.
        timeout_s: of one reading.
        progress: called with (files read, files in all).

    Returns:
        Columns engine, kind, file, ok, error, ms (wall time), peak_mib (of the engine's process so far), characters,
        the scores (NaN where the truth does not allow them), and quality, their mean.

    Raises:
        InvalidRequestError: for an engine that is unknown or not installed.
        StoppedError: `progress` returned False.
    """
    require("pandas")
    import pandas
    from pebble import ProcessPool

    available = installed()
    names = list(engines) or available
    for name in names:
        if name not in available:
            raise InvalidRequestError(f"engine '{name}' is not installed", f"choose of {', '.join(available)}")
    rows: list[dict[str, Any]] = []
    work = [(name, [case for case in cases if case.kind in ENGINES[name].kinds]) for name in names]
    total = sum(len(readable) for _, readable in work)
    for name, readable in work:
        with ProcessPool(max_workers=1, context=multiprocessing.get_context("spawn")) as pool:
            warmed: set[str] = set()
            for case in readable:
                if case.kind not in warmed:
                    warmed.add(case.kind)
                    _result(pool.schedule(_read, args=(name, str(case.path), 1), timeout=timeout_s))
                future = pool.schedule(_read, args=(name, str(case.path), rounds), timeout=rounds * timeout_s)
                rows.append(
                    {"engine": name, "kind": case.kind, "file": case.path.name, **_score_row(case, _result(future))}
                )
                if not report_progress(progress, len(rows), total):
                    raise StoppedError.of("the comparison of engines")
    table = pandas.DataFrame(rows)
    table["quality"] = table[[name for name in SCORES if name in table]].mean(axis=1)
    return table


def _read(name: str, path: str, rounds: int) -> tuple[str, float, float]:
    """Read a file `rounds` times: (text, median ms, peak MiB); runs in the engine's process."""
    import logging
    import statistics
    import warnings

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    times = []
    for _ in range(rounds):
        started_at = time.perf_counter()
        text = ENGINES[name].read(path)
        times.append(1000 * (time.perf_counter() - started_at))
    return text, statistics.median(times), peak_mib()


def peak_mib() -> float:
    """Highest memory use of this process, MiB; on Linux without that of its parent."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().split("\n") if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _result(future: Any) -> tuple[str, float, float] | BaseException:
    try:
        result: tuple[str, float, float] = future.result()
    except Exception as error:  # an engine may fail in any way, and that is a result
        return error
    return result


def _score_row(case: Case, result: tuple[str, float, float] | BaseException) -> dict[str, Any]:
    if isinstance(result, BaseException):
        zeros = dict.fromkeys(score(case, ""), 0.0)
        return {"ok": False, "error": type(result).__name__, "ms": None, "peak_mib": None, "characters": 0, **zeros}
    text, ms, peak = result
    return {
        "ok": bool(text.strip()),
        "error": None if text.strip() else "no text",
        "ms": ms,
        "peak_mib": peak,
        "characters": len(text),
        **score(case, text),
    }


def summary(results: pd.DataFrame) -> pd.DataFrame:
    """Make a table of mean scores, median milliseconds, peak memory and failures, by kind and engine."""
    columns = [name for name in (*SCORES, "quality") if name in results]
    grouped = results.groupby(["kind", "engine"])
    table = grouped[columns].mean()
    table["median_ms"] = grouped["ms"].median()
    table["peak_mib"] = grouped["peak_mib"].max()
    table["files"] = grouped.size()
    table["failures"] = grouped["ok"].apply(lambda ok: int((~ok).sum()))
    return table


def failures(results: pd.DataFrame, least: float = 0.9) -> pd.DataFrame:
    """Make a table of failures by kind and engine: files that gave nothing, files below `least` quality, and which."""
    failed = results[~results["ok"] | (results["quality"] < least)]
    columns: dict[str, Any] = {
        "no_text": ("ok", lambda ok: int((~ok).sum())),
        "poor": ("ok", lambda ok: int(ok.sum())),
        "errors": ("error", lambda errors: ", ".join(sorted(set(errors.dropna())))),
        "files": ("file", lambda names: ", ".join(sorted(names)[:_NAMED])),
    }
    table: pd.DataFrame = failed.groupby(["kind", "engine"]).agg(**columns)
    return table


def plot(results: pd.DataFrame, measure: str = "quality", axes: Any = None) -> Any:
    """Draw quality against time: a dot an engine, a panel a kind that two engines read; up and left is better."""
    table = summary(results).reset_index().dropna(subset=[measure, "median_ms"])
    sizes = table.groupby("kind").size()
    kinds = [kind for kind in sizes.index if sizes[kind] > 1] or list(sizes.index)
    names = [name for name in ENGINES if name in set(table["engine"])]
    if axes is None:
        columns = min(len(kinds), 4)
        lines = -(-len(kinds) // columns)
        size = (1.5 + 2.6 * columns, 2.7 * lines)
        axes = grid(lines, columns, size, sharex=True, sharey=True)
    flat = list(axes.flat)
    for ax, kind in zip(flat, kinds, strict=False):
        for row in table[table["kind"] == kind].itertuples():
            series = names.index(row.engine) % len(SERIES)
            ax.plot(row.median_ms, getattr(row, measure), MARKS[series], color=SERIES[series], label=row.engine, ms=7)
        ax.set(xscale="log", title=kind, xlabel="median ms a file", ylim=(-0.03, 1.05))
    flat[0].set_ylabel(measure)
    low, high = table["median_ms"].min(), table["median_ms"].max()
    flat[0].set_xlim(10 ** math.floor(math.log10(low / 2)), 10 ** math.ceil(math.log10(high * 2)))
    for ax in flat[len(kinds) :]:
        ax.set_axis_off()
    handles = {label: handle for ax in flat for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    flat[0].figure.legend(handles.values(), handles.keys(), frameon=False, loc="outside right upper")
    return axes


def scaling(paths: Iterable[str | Path], workload: int = 500, jobs: Sequence[int] = (1, 2)) -> pd.DataFrame:
    """Time `extract_many` with several numbers of jobs: seconds, files a second and the speed-up, a row each.

    The files are copied in turn until there are `workload` of them; the start of the processes counts.
    """
    import pandas

    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for number, path in enumerate(itertools.islice(itertools.cycle(map(Path, paths)), workload)):
            shutil.copyfile(path, Path(folder) / f"{number:05}{path.suffix}")
        for count in jobs:
            started_at = time.perf_counter()
            files = sum(1 for _ in extract_many([folder], jobs=count))
            seconds = time.perf_counter() - started_at
            rows.append({"jobs": count, "files": files, "seconds": seconds, "files_per_s": files / seconds})
    table = pandas.DataFrame(rows)
    table["speed_up"] = rows[0]["seconds"] / table["seconds"]
    return table


def slower_than(results: pd.DataFrame, peer: str) -> pd.DataFrame | None:
    """List the files for which our engine takes longer than `peer` (both times in ms); None where that did not run."""
    times = results.pivot_table(index=["kind", "file"], columns="engine", values="ms")
    if peer not in times:
        return None
    return times.loc[times["autopicker"] > times[peer], ["autopicker", peer]]
