"""Extraction of many files: results as they finish, errors as results, and memory that stays flat."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import AutopickerError, Document, InvalidRequestError, NoWorkerError, ReadOptions
from autopicker_lab.core.files import find_files
from autopicker_lab.core.optional import require
from autopicker_lab.extraction.pool import ExtractionPool, read_path
from autopicker_lab.runtime.atomic_write import atomic_write
from autopicker_lab.runtime.executors import Scheduler, submit_all, worker_pool, wrap_task_error

if TYPE_CHECKING:
    import concurrent.futures
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from autopicker_lab.runtime.progress import Progress


@dataclass(frozen=True)
class ExtractionResult:
    """The result of one file: its Document or the error, and the `seconds` that its reader took."""

    path: Path
    document: Document | None
    error: AutopickerError | None
    seconds: float

    def to_row(self) -> dict[str, Any]:
        """The result as a row of a table; what its Document would give is None where the file could not be read."""
        row: dict[str, Any] = dict.fromkeys(_FIELDS)
        if self.document is not None:
            row |= self.document.to_dict() | {"tokens": self.document.token_count}
            del row["name"]
        row |= {"path": str(self.path), "seconds": round(self.seconds, 6)}
        row["error"] = str(self.error) if self.error else None
        return row


_FIELDS = ("path", "kind", "sha256", "text", "tokens", "parts", "tables", "metadata", "warnings", "error", "seconds")


def _encodable_row(result: ExtractionResult) -> dict[str, Any]:
    """A row that can be encoded: what is of no character in a file's name becomes escape sequences.

    What was read of a file is encodable already.
    """
    row = result.to_row()
    named = {name: row[name].encode("utf-8", "backslashreplace").decode() for name in ("path", "error") if row[name]}
    return row | named


def extract_many(
    paths: Iterable[str | Path],
    *,
    jobs: int | None = None,
    progress: Progress | None = None,
    scheduler: Scheduler = None,
    options: ReadOptions | None = None,
    timeout_s: float = 60.0,
    memory_mb: int = 4096,
) -> Iterator[ExtractionResult]:
    """Read files and folders in worker processes, yielding each result as it finishes.

    A script calls this under `if __name__ == "__main__":`, which Python's processes need. A file that is damaged,
    crashes its reader or takes too long gives an `ExtractionResult` with its error, and the others are still read.
    Closing the iterator, or a `progress` that answers False, ends the work under way.

    Args:
        paths: files, and folders whose files are read.
        jobs: number of worker processes; None: one a core.
        progress: called after each file with (done, in all).
        scheduler: a cluster in place of local processes (see `runtime.executors.worker_pool`); it must see the same
            paths, and it bounds neither time nor memory.
        options: a password, the languages of scans, and the like.
        timeout_s: wall seconds that one file may take in a local worker.
        memory_mb: address space of a local worker, MiB.

    Raises:
        InvalidRequestError: a path does not exist; raised before anything runs.
    """
    files = find_files(paths)
    jobs = jobs or os.cpu_count() or 1
    read_options = options or ReadOptions()
    if scheduler is not None:
        return _extract_on_scheduler(files, scheduler, read_options, progress)
    return _extract_locally(files, min(jobs, max(len(files), 1)), read_options, progress, timeout_s, memory_mb)


def _extract_locally(
    files: list[Path], jobs: int, options: ReadOptions, progress: Progress | None, timeout_s: float, memory_mb: int
) -> Iterator[ExtractionResult]:
    with ExtractionPool(timeout_s, memory_mb, jobs) as pool:
        yield from _run(files, lambda path: pool.submit(path, options), jobs, progress)


def _extract_on_scheduler(
    files: list[Path], scheduler: Scheduler, options: ReadOptions, progress: Progress | None
) -> Iterator[ExtractionResult]:
    with worker_pool(scheduler) as (pool, at_once):
        yield from _run(files, lambda path: pool.submit(read_path, str(path), options), at_once, progress)


def _run(
    files: list[Path],
    submit: Callable[[Path], concurrent.futures.Future[tuple[Document, float]]],
    at_once: int,
    progress: Progress | None,
) -> Iterator[ExtractionResult]:
    for path, future, start in submit_all(files, submit, at_once, progress):
        yield _result(path, future, start)


def _result(path: Path, future: concurrent.futures.Future[tuple[Document, float]], start: float) -> ExtractionResult:
    try:
        document, seconds = future.result()
    except NoWorkerError:
        raise
    except Exception as error:
        return ExtractionResult(path, None, wrap_task_error(path.name, error), time.perf_counter() - start)
    return ExtractionResult(path, replace(document, name=path.name), None, seconds)


def write_table(results: Iterable[ExtractionResult], out: Path) -> int:
    """Write results, as they come, to a Parquet (.parquet) or JSON Lines (.jsonl) file, and return their number.

    The file appears once all is written; where the results end early it holds those that came.

    Raises:
        InvalidRequestError: the suffix is another, or the folder does not exist.
    """
    if not out.parent.is_dir():
        raise InvalidRequestError(f"no folder '{out.parent}'", "make it first")
    writers = {".parquet": _write_parquet, ".jsonl": _write_jsonl}
    writer = writers.get(out.suffix.lower())
    if writer is None:
        raise InvalidRequestError(f"cannot write '{out.name}'", "name the file .parquet or .jsonl")
    with atomic_write(out) as part:
        return writer(results, part)


def _write_jsonl(results: Iterable[ExtractionResult], out: Path) -> int:
    count = 0
    with out.open("w", encoding="utf-8") as stream:
        for result in results:
            stream.write(json.dumps(_encodable_row(result), ensure_ascii=False, default=str) + "\n")
            count += 1
    return count


def _write_parquet(results: Iterable[ExtractionResult], out: Path) -> int:
    """Write Parquet: parts and warnings as lists, tables and metadata, whose shapes vary, as JSON text."""
    require("pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = pa.large_string()
    part = pa.struct([("label", text), ("text", text), ("tables", pa.list_(text))])
    shapes = {"parts": pa.list_(part), "warnings": pa.list_(text), "tokens": pa.int64(), "seconds": pa.float64()}
    schema = pa.schema([(name, shapes.get(name, text)) for name in _FIELDS])
    count = 0
    with pq.ParquetWriter(out, schema) as writer:  # type: ignore[no-untyped-call]
        for batch in _batches(results, 64):
            rows = [_encodable_row(result) for result in batch]
            for row in rows:
                for name in ("tables", "metadata"):
                    row[name] = None if row[name] is None else json.dumps(row[name], ensure_ascii=False, default=str)
            writer.write_table(pa.Table.from_pylist(rows, schema))
            count += len(rows)
    return count


def _batches(results: Iterable[ExtractionResult], size: int) -> Iterator[list[ExtractionResult]]:
    batch: list[ExtractionResult] = []
    for result in results:
        batch.append(result)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
