"""Extraction in worker processes that can be killed: for files nobody vouches for."""

from __future__ import annotations

import asyncio
import multiprocessing
from concurrent.futures import TimeoutError as FutureTimeoutError
from types import TracebackType

from autopicker_lab.core import Document, ExtractionLimitError, SourceFile


def _cap_memory(megabytes: int) -> None:
    """Limit the address space of this worker; not every system can."""
    try:
        import resource
    except ImportError:
        return
    limit = megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _work(file: SourceFile) -> Document:
    from autopicker_lab.extraction import extract

    return extract(file)


class ExtractionPool:
    """Runs `extract` in spawned processes under a time and a memory limit.

    Args:
        timeout_s: wall seconds a file may take; then its process is killed and replaced.
        memory_mb: address space of a worker, MiB.
    """

    def __init__(self, timeout_s: float = 60.0, memory_mb: int = 4096, workers: int = 2):
        from pebble import ProcessPool

        self._timeout_s = timeout_s
        self._pool = ProcessPool(
            max_workers=workers,
            max_tasks=200,
            initializer=_cap_memory,
            initargs=(memory_mb,),
            context=multiprocessing.get_context("spawn"),
        )

    async def extract(self, file: SourceFile) -> Document:
        """The Document of `file`; ExtractionLimitError where a limit was hit or the reader crashed."""
        from pebble import ProcessExpired

        future = self._pool.schedule(_work, args=(file,), timeout=self._timeout_s)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            future.cancel()
            raise
        except (FutureTimeoutError, TimeoutError):
            detail = f"reading '{file.name}' took longer than {self._timeout_s:g} s"
            raise ExtractionLimitError(detail, "send a smaller file, or raise EXTRACTION_TIMEOUT") from None
        except ProcessExpired as error:
            detail = f"reading '{file.name}' ended its process (code {error.exitcode})"
            raise ExtractionLimitError(detail, "the file is damaged or hostile: save it again") from None

    def close(self) -> None:
        self._pool.stop()
        self._pool.join()

    def __enter__(self) -> ExtractionPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
