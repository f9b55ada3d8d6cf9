"""Many files at once: results as they finish, a failing file is a row with its error, memory stays flat."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import AutopickerError, Document, InvalidRequestError, NoWorkerError, ReadOptions
from autopicker_lab.core.files import atomic_write, find_files
from autopicker_lab.extraction.pool import ExtractionPool, read_path
from autopicker_lab.runtime.executors import Progress, Scheduler, completed, task_error, workers

if TYPE_CHECKING:
    import concurrent.futures
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path


@dataclass(frozen=True)
class ExtractionResult:
    """What came of one file: its Document, or the error. `seconds` is the time its reader took."""

    path: Path
    document: Document | None
    error: AutopickerError | None
    seconds: float

    def to_row(self) -> dict[str, Any]:
        """The file as a row; text, parts, tables and the rest are None where it could not be read."""
        row: dict[str, Any] = dict.fromkeys(_FIELDS)
        if self.document is not None:
            row |= self.document.to_dict() | {"tokens": self.document.token_count}
            del row["name"]
        row |= {"path": str(self.path), "seconds": round(self.seconds, 6)}
        row["error"] = str(self.error) if self.error else None
        return row


_FIELDS = ("path", "kind", "sha256", "text", "tokens", "parts", "tables", "metadata", "warnings", "error", "seconds")


def _sound(value: Any) -> Any:
    """A row that can be written: half a surrogate pair, as in names of another encoding, becomes its code."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_sound(key): _sound(item) for key, item in value.items()}
    return [_sound(item) for item in value] if isinstance(value, list | tuple) else value


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

    A script calls this under `if __name__ == "__main__":`, as for all of Python's processes. A file that is damaged,
    crashes its reader or takes too long is an `ExtractionResult` with its error; the rest go on.
    Closing the iterator, or a `progress` that answers False, ends the work under way.

    Args:
        jobs: worker processes; by default one a core.
        progress: called after each file with (done, in all).
        scheduler: a cluster in place of local processes (see fanout.workers); it must see the same paths, and it
            bounds neither time nor memory.
        timeout_s, memory_mb: what one file may take of a local worker.

    Raises:
        InvalidRequestError: for a path where nothing is, before anything runs.
    """
    files = find_files(paths)
    jobs = jobs or os.cpu_count() or 1
    chosen = options or ReadOptions()
    if scheduler is not None:
        return _elsewhere(files, scheduler, chosen, progress)
    return _local(files, min(jobs, max(len(files), 1)), chosen, progress, timeout_s, memory_mb)


def _local(
    files: list[Path], jobs: int, options: ReadOptions, progress: Progress | None, timeout_s: float, memory_mb: int
) -> Iterator[ExtractionResult]:
    with ExtractionPool(timeout_s, memory_mb, jobs) as pool:
        yield from _run(files, lambda path: pool.submit(path, options), jobs, progress)


def _elsewhere(
    files: list[Path], scheduler: Scheduler, options: ReadOptions, progress: Progress | None
) -> Iterator[ExtractionResult]:
    with workers(scheduler) as (pool, at_once):
        yield from _run(files, lambda path: pool.submit(read_path, str(path), options), at_once, progress)


def _run(
    files: list[Path],
    submit: Callable[[Path], concurrent.futures.Future[tuple[Document, float]]],
    at_once: int,
    progress: Progress | None,
) -> Iterator[ExtractionResult]:
    for path, future, begun in completed(files, submit, at_once, progress):
        yield _result(path, future, begun)


def _result(path: Path, future: concurrent.futures.Future[tuple[Document, float]], begun: float) -> ExtractionResult:
    try:
        document, seconds = future.result()
    except NoWorkerError:
        raise
    except Exception as error:
        return ExtractionResult(path, None, task_error(path.name, error), time.perf_counter() - begun)
    return ExtractionResult(path, replace(document, name=path.name), None, seconds)


def write_table(results: Iterable[ExtractionResult], out: Path) -> int:
    """Write results as they come to a Parquet (.parquet) or JSON Lines (.jsonl) file; answers how many.

    The file appears when all is written; where the results end early it holds what there was.

    Raises:
        InvalidRequestError: for another suffix, or a folder that is not there.
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
            stream.write(json.dumps(_sound(result.to_row()), ensure_ascii=False, default=str) + "\n")
            count += 1
    return count


def _write_parquet(results: Iterable[ExtractionResult], out: Path) -> int:
    """Parts and warnings as lists; tables and metadata, which have no one shape, as JSON text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = pa.large_string()
    part = pa.struct([("label", text), ("text", text), ("tables", pa.list_(text))])
    shapes = {"parts": pa.list_(part), "warnings": pa.list_(text), "tokens": pa.int64(), "seconds": pa.float64()}
    schema = pa.schema([(name, shapes.get(name, text)) for name in _FIELDS])
    count = 0
    with pq.ParquetWriter(out, schema) as writer:  # type: ignore[no-untyped-call]
        for batch in _batched(results, 64):
            rows = [_sound(result.to_row()) for result in batch]
            for row in rows:
                for name in ("tables", "metadata"):
                    row[name] = None if row[name] is None else json.dumps(row[name], ensure_ascii=False, default=str)
            writer.write_table(pa.Table.from_pylist(rows, schema))
            count += len(rows)
    return count


def _batched(results: Iterable[ExtractionResult], size: int) -> Iterator[list[ExtractionResult]]:
    held: list[ExtractionResult] = []
    for result in results:
        held.append(result)
        if len(held) == size:
            yield held
            held = []
    if held:
        yield held
