"""Extraction in worker processes that can be killed, for untrusted files and for many files at once."""

from __future__ import annotations

import asyncio
import concurrent.futures
import multiprocessing
import os
import signal
import sys
import threading
import time
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from autopicker_lab.core import AutopickerError, Document, ExtractionLimitError, NoWorkerError, ReadOptions, SourceFile
from autopicker_lab.extraction import media
from autopicker_lab.runtime.memory import release_memory
from autopicker_lab.runtime.scratch import ScratchFolder, sweep

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from pebble import ProcessPool

T = TypeVar("T")
_RELEASE_AFTER_S = 1.0
_WORKER = "worker-"


_scratch: list[ScratchFolder] = []  # of this worker


def _prepare(megabytes: int, folder: str) -> None:
    """Leave Ctrl-C to the parent, write into a folder of this worker alone, and limit its address space, if we can."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _silence_libraries()
    media.ask_here()
    _scratch[:] = [ScratchFolder(_WORKER, Path(folder))]  # sweeps what a worker that was killed has left
    _scratch[0].use()
    try:
        import resource
    except ImportError:
        return
    limit = megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _silence_libraries() -> None:
    """Keep what C and Rust libraries say of damaged files off the log; Python's own stderr stays."""
    with suppress(OSError, AttributeError):
        sys.stderr = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace", buffering=1)
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)


def _work(work: Callable[..., T], *arguments: Any) -> T:
    """The result of `work`, whose temporary files are gone when it ends; workers run this."""
    try:
        return work(*arguments)
    finally:
        for folder in _scratch:
            folder.clear()


def read_source(file: SourceFile) -> Document:
    """The Document of an opened file; workers run this."""
    from autopicker_lab.extraction import extract

    try:
        return extract(file)
    finally:
        _release_memory_soon()


def read_path(path: str, options: ReadOptions) -> tuple[Document, float]:
    """The Document at a path, and the seconds that reading took; workers run this."""
    from autopicker_lab.extraction import extract

    started_at = time.perf_counter()
    try:
        document = extract(path, options=options)
        return document, time.perf_counter() - started_at
    finally:
        _release_memory_soon()


def _release_memory_soon() -> None:
    """Give what a large file took back to the system, once its Document was sent; glibc would keep it for good."""
    timer = threading.Timer(_RELEASE_AFTER_S, release_memory)
    timer.daemon = True
    with suppress(RuntimeError):  # there is no memory left for a thread
        timer.start()


def _end(pool: ProcessPool) -> None:
    pool.stop()
    pool.join()


def _no_worker() -> NoWorkerError:
    return NoWorkerError(
        "the worker processes ended as they started",
        'in a script, call this under `if __name__ == "__main__":`, as Python\'s processes need it',
    )


class ExtractionPool:
    """Pool of spawned processes that run `extract` under a time and a memory limit.

    Their temporary files stand in folders of their own, which go when the file is read, the process is killed, or the
    pool ends; those of a pool that was killed itself go when the next one starts.

    Args:
        timeout_s: wall seconds that a file may take; after them its process is killed and replaced.
        memory_mb: address space of a worker, MiB.
        workers: number of processes.
    """

    def __init__(self, timeout_s: float = 60.0, memory_mb: int = 4096, workers: int = 2):
        self._timeout_s, self._memory_mb, self._workers = timeout_s, memory_mb, workers
        self._scratch = ScratchFolder("autopicker-read-")
        self._lock = threading.Lock()
        self._has_worked = self._closed = False
        self._pool = self._new_pool()

    def _new_pool(self) -> ProcessPool:
        from pebble import ProcessPool

        return ProcessPool(
            max_workers=self._workers,
            max_tasks=200,
            initializer=_prepare,
            initargs=(self._memory_mb, str(self._scratch.path)),
            context=multiprocessing.get_context("spawn"),
        )

    async def extract(self, file: SourceFile) -> Document:
        """The Document of `file`.

        Raises:
            ExtractionLimitError: a limit was hit, or the reader crashed.
        """
        return await asyncio.wrap_future(self.run(file.name, read_source, file))

    def submit(self, path: Path, options: ReadOptions) -> concurrent.futures.Future[tuple[Document, float]]:
        """Start reading the file at `path`; the future gives its Document, and the seconds that reading took."""
        return self.run(path.name, read_path, str(path), options)

    def run(self, name: str, work: Callable[..., T], *arguments: Any) -> concurrent.futures.Future[T]:
        """Start `work(*arguments)`, a function of a module, in a worker, under the limits; `name` is that of the file.

        The future fails with an AutopickerError only. Cancelling it kills the process that is working.
        """
        outer: concurrent.futures.Future[T] = concurrent.futures.Future()
        self._start(outer, name, work, arguments, may_repeat=True)
        return outer

    def _start(
        self,
        outer: concurrent.futures.Future[T],
        name: str,
        work: Callable[..., T],
        arguments: tuple[Any, ...],
        may_repeat: bool,
    ) -> None:
        """Start `work`, whose result goes to `outer`; once more if the pool breaks beneath it."""
        pool = self._pool
        try:
            inner = pool.schedule(_work, args=(work, *arguments), timeout=self._timeout_s)
        except RuntimeError:
            pool = self._renewed(pool)
            inner = pool.schedule(_work, args=(work, *arguments), timeout=self._timeout_s)

        def forward(inner_future: Any) -> None:
            if inner_future.cancelled():
                outer.cancel()
            error = None if inner_future.cancelled() else inner_future.exception()
            if isinstance(error, BrokenProcessPool) and may_repeat and self._has_worked and not outer.cancelled():
                with suppress(NoWorkerError):
                    self._renewed(pool)
                    self._start(outer, name, work, arguments, may_repeat=False)
                    return
            self._has_worked = self._has_worked or not isinstance(error, BrokenProcessPool)
            if not outer.set_running_or_notify_cancel():
                return
            if error is None:
                outer.set_result(inner_future.result())
            else:
                sweep(self._scratch.path, _WORKER)
                known = self._as_autopicker_error(error, name)
                known.__cause__ = known.__cause__ if known is error else error
                outer.set_exception(known)

        outer.add_done_callback(lambda future: inner.cancel() if future.cancelled() else None)
        inner.add_done_callback(forward)

    def _renewed(self, broken: ProcessPool) -> ProcessPool:
        """A new pool in place of one that broke, as it does when a process ends at rest or just as it takes a file."""
        with self._lock:
            if self._closed:
                raise _no_worker()
            if self._pool is broken:
                self._pool = self._new_pool()
                threading.Thread(target=_end, args=(broken,), daemon=True).start()
            return self._pool

    def _as_autopicker_error(self, error: BaseException, name: str) -> BaseException:
        """The failure of a worker as an AutopickerError."""
        from pebble import ProcessExpired

        if isinstance(error, AutopickerError):
            return error
        if isinstance(error, FutureTimeoutError | TimeoutError):
            detail = f"reading '{name}' took longer than {self._timeout_s:g} s"
            return ExtractionLimitError(detail, "send a smaller file, or raise EXTRACTION_TIMEOUT")
        if isinstance(error, BrokenProcessPool) and not self._has_worked:
            return _no_worker()
        if isinstance(error, BrokenProcessPool | ProcessExpired):
            code = f" (code {error.exitcode})" if isinstance(error, ProcessExpired) else ""
            detail = f"reading '{name}' ended its process{code}"
            return ExtractionLimitError(detail, "the file is damaged or hostile: save it again")
        return ExtractionLimitError(f"reading '{name}' failed: {error or type(error).__name__}", "try it again")

    def close(self) -> None:
        """End the worker processes, those at work included."""
        with self._lock:
            self._closed = True
        _end(self._pool)
        self._scratch.close()

    def __enter__(self) -> ExtractionPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
