"""Iteration in a thread, for work that cannot be interrupted while somebody waits for it."""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator

T = TypeVar("T")


def iterate_in_thread(items: Generator[T, None, None], every_s: float) -> Generator[T | None, None, None]:
    """Iterate over `items` in a thread, and yield each item here; None where `every_s` seconds brought none.

    Closing the iterator does not wait: the thread ends by itself after the item that it is making.
    """
    queue: SimpleQueue[tuple[T] | BaseException | None] = SimpleQueue()
    closed = threading.Event()

    def iterate() -> None:
        try:
            for item in items:
                queue.put((item,))
                if closed.is_set():
                    break
            items.close()
        except BaseException as error:  # raised where it is waited for
            queue.put(error)
        else:
            queue.put(None)

    # no daemon: an interpreter that ends under a running model would take the process down with it
    threading.Thread(target=iterate, name="autopicker-lab iterate").start()
    try:
        while True:
            try:
                result = queue.get(timeout=every_s)
            except Empty:
                yield None
                continue
            if isinstance(result, BaseException):
                raise result
            if result is None:
                return
            yield result[0]
    finally:
        closed.set()
