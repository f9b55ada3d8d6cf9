"""Work that cannot be interrupted, done in a thread of its own, so that nobody has to wait for its end."""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator

T = TypeVar("T")


def iterate_in_thread(items: Generator[T, None, None], every_s: float) -> Generator[T | None, None, None]:
    """What `items` gives, made in a thread; None where `every_s` seconds brought nothing.

    Whoever closes it does not wait: the thread ends by itself after the item that it is making.
    """
    made: SimpleQueue[tuple[T] | BaseException | None] = SimpleQueue()
    left = threading.Event()

    def make() -> None:
        try:
            for item in items:
                made.put((item,))
                if left.is_set():
                    break
            items.close()
        except BaseException as error:  # whoever waits raises it
            made.put(error)
        else:
            made.put(None)

    # no daemon: an interpreter that ends under a running model would take the process down with it
    threading.Thread(target=make, name="autopicker iterate_in_thread").start()
    try:
        while True:
            try:
                found = made.get(timeout=every_s)
            except Empty:
                yield None
                continue
            if isinstance(found, BaseException):
                raise found
            if found is None:
                return
            yield found[0]
    finally:
        left.set()
