"""An event loop in a thread of its own, so that plain calls work inside a notebook's running loop too."""

from __future__ import annotations

import asyncio
import atexit
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import concurrent.futures
    from collections.abc import Callable, Coroutine

T = TypeVar("T")
_STOP_S = 5.0  # that `stop` waits for cancelled work to end


class EventLoopThread:
    """An event loop (uvloop where installed) and its thread, until `stop`.

    Args:
        name: of the thread.
    """

    def __init__(self, name: str = "autopicker-lab") -> None:
        self._loop = _new_event_loop()
        self._thread = threading.Thread(target=self._run_loop, name=name, daemon=True)
        self._thread.start()
        atexit.register(self.stop)

    def submit(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Start a coroutine; cancelling the future cancels it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine; it is cancelled where the caller is interrupted."""
        future = self.submit(work)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def stop(self, wait_s: float | None = _STOP_S) -> None:
        """Cancel all work and end the thread.

        Args:
            wait_s: seconds to wait for the work to end; None: as long as it takes.
        """
        atexit.unregister(self.stop)
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(wait_s)

    def _run_loop(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:  # which closes all that belongs to the loop
            loop = runner.get_loop()
            running = True
            while running:
                try:
                    loop.run_forever()
                    running = False
                except (KeyboardInterrupt, SystemExit):
                    continue  # whoever waits for the coroutine gets it, for which the loop has to go on
            tasks = asyncio.all_tasks(loop)
            for task in tasks:
                if not task.cancelling():  # a second cancellation would interrupt what the first makes it clear up
                    task.cancel()
            if tasks:
                loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


def run_in_thread(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The result of a coroutine function that runs on an event loop in a new thread, even where another loop runs here.

    A caller that is interrupted leaves nothing running: the coroutine is cancelled, and its end waited for.
    """
    thread = EventLoopThread("autopicker-lab run")
    try:
        return thread.run(work())
    finally:
        thread.stop(None)


def _new_event_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # on Windows
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
