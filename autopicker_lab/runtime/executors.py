"""The same work on many things: in processes of this machine, or on the workers of a Dask cluster.

What runs there has to be a function of a module, as for all of Python's processes, and a script calls for it under
`if __name__ == "__main__":`.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import multiprocessing
import os
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar, Union
from urllib.parse import urlsplit

from autopicker_lab.core import AutopickerError, InvalidRequestError, WorkerError
from autopicker_lab.core.optional import install_line
from autopicker_lab.runtime.progress import Progress, report_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from distributed import Client

T = TypeVar("T")
R = TypeVar("R")
Scheduler = Union[str, "Client", concurrent.futures.Executor, None]
_AHEAD = 4  # tasks submitted for each worker: enough to keep it busy, few enough to keep memory flat
_CONNECT_S = 10


@contextmanager
def worker_pool(
    scheduler: Scheduler = None, jobs: int | None = None
) -> Iterator[tuple[concurrent.futures.Executor, int]]:
    """An Executor for the time of the block, and how many tasks it works on at once.

    Args:
        scheduler: "tcp://...", or a dask.distributed Client or LocalCluster: that cluster, whose workers must have this
            package and see the same files; a task whose worker is lost is given to another. An Executor is taken as it
            is. None: processes here.
        jobs: processes here; None: one a core.

    Raises:
        InvalidRequestError: Dask is not installed, or nothing answers at the address.
    """
    if scheduler is None:
        count = jobs or os.cpu_count() or 1
        with concurrent.futures.ProcessPoolExecutor(count, multiprocessing.get_context("spawn")) as pool:
            try:
                yield pool, count
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
    elif isinstance(scheduler, concurrent.futures.Executor):
        yield scheduler, jobs or os.cpu_count() or 1
    elif not isinstance(scheduler, str) and hasattr(scheduler, "get_executor"):
        with scheduler.get_executor(pure=False) as pool:  # type: ignore[no-untyped-call]
            yield pool, max(1, sum(scheduler.nthreads().values()))  # type: ignore[no-untyped-call]
    else:  # a LocalCluster has an address, too
        with (
            _connect(getattr(scheduler, "scheduler_address", str(scheduler))) as client,
            worker_pool(client) as pool_and_count,
        ):
            yield pool_and_count


def _connect(address: str) -> Client:
    try:
        from distributed import Client
    except ImportError:
        raise InvalidRequestError("Dask is not installed", f"install it: {install_line('dask')}") from None
    parts = urlsplit(address)
    try:  # a Client that finds nobody goes on trying, and complains when it is forgotten
        socket.create_connection((parts.hostname or "", parts.port or 8786), _CONNECT_S).close()
        return Client(address, timeout=_CONNECT_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        detail = f"no Dask scheduler answers at '{address}': {error}"
        raise InvalidRequestError(detail, "start one (dask scheduler), and give its address, tcp://HOST:8786") from None


def submit_all(
    items: Sequence[T],
    submit: Callable[[T], concurrent.futures.Future[R]],
    at_once: int,
    progress: Progress | None = None,
) -> Iterator[tuple[T, concurrent.futures.Future[R], float]]:
    """Submit a task for each item, and yield (item, its future, when it was submitted) as the tasks finish.

    Few are submitted ahead, so that memory stays flat. Closing the iterator cancels those that wait.

    Args:
        at_once: tasks that the executor works on at once.
        progress: called with (tasks done, tasks in all); returning False ends the iterator, too.

    Yields:
        The third value is in seconds of time.perf_counter.
    """
    waiting: dict[concurrent.futures.Future[R], tuple[T, float]] = {}
    remaining = iter(items)
    done = 0
    try:
        while True:
            for item in itertools.islice(remaining, _AHEAD * at_once - len(waiting)):
                waiting[submit(item)] = (item, time.perf_counter())
            if not waiting:
                return
            finished, _ = concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in finished:
                item, submitted_at = waiting.pop(future)
                done += 1
                yield item, future, submitted_at
                if not report_progress(progress, done, len(items)):
                    return
    finally:
        for future in waiting:
            future.cancel()


def wrap_task_error(name: str, error: Exception) -> AutopickerError:
    """The AutopickerError for a task that failed: its own error, or WorkerError where its process or cluster failed."""
    if isinstance(error, AutopickerError):
        return error
    return WorkerError(f"'{name}' was lost: {error or type(error).__name__}", "try it again")
