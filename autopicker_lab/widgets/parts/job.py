"""Jobs: work in a thread, so that the kernel goes on answering, with progress and a Stop button."""

from __future__ import annotations

import threading
import time
from html import escape
from typing import TYPE_CHECKING

from autopicker_lab.core import AutopickerError
from autopicker_lab.widgets.parts.base import describe_error

if TYPE_CHECKING:
    from collections.abc import Callable

STOPPED = "stopped; what came until then is kept"


class Job:
    """A background job of a panel, which does one piece of work at a time.

    Args:
        on_change: called when there is something new to show, and at the end; never from the thread that works, so
            that drawing does not hold it up.
        every_s: seconds between two calls at least.

    Attributes:
        share: of the work that is done, 0 to 1; None where that is unknown.
        words: how the work goes, or how it ended.
        failed: whether it ended in an error, which `words` describes.
    """

    def __init__(self, on_change: Callable[[], None] = lambda: None, every_s: float = 0.1):
        self._on_change = on_change
        self._every_s = every_s
        self._stop = threading.Event()
        self._news = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._running = False
        self._cancel: Callable[[], object] | None = None
        self._started_at = 0.0
        self.share: float | None = None
        self.words = ""
        self.failed = False

    @property
    def running(self) -> bool:
        """Whether work is being done."""
        return self._running

    @property
    def stopping(self) -> bool:
        """Whether the work was asked to end."""
        return self._stop.is_set()

    @property
    def remaining_s(self) -> float | None:
        """Seconds that the work will still take at this pace; None where that is unknown."""
        if not self.running or not self.share:
            return None
        return (time.monotonic() - self._started_at) * (1 - self.share) / self.share

    def start(self, work: Callable[[], str | None], words: str = "starting") -> bool:
        """Start `work`, which returns how it ended; False where a job runs already."""
        with self._starting:
            if self._running:
                return False
            self._stop.clear()
            self._cancel = None
            self._running = True
        self.share, self.words, self.failed, self._started_at = None, words, False, time.monotonic()
        self._thread = threading.Thread(target=self._run, args=(work,), name="autopicker panel", daemon=True)
        self._show()
        self._thread.start()
        return True

    def report(self, share: float | None = None, words: str | None = None) -> bool:
        """Report how the work goes; False where it has to end."""
        self.share = self.share if share is None else min(max(share, 0.0), 1.0)
        self.words = self.words if words is None else words
        self._news.set()
        return not self._stop.is_set()

    def stop(self) -> None:
        """Ask the work to end; what it has so far is kept."""
        if not self._running:
            return
        self._stop.set()
        self.report(words="stopping")
        if self._cancel is not None:
            self._cancel()

    def cancel_with(self, cancel: Callable[[], object]) -> None:
        """Set what `stop` calls, for work that does not look at what `report` returns."""
        self._cancel = cancel
        if self._stop.is_set():
            cancel()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until nothing runs any more and listeners know it, or for so many seconds."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while (thread := self._thread) is not None and thread is not threading.current_thread() and thread.is_alive():
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                return

    def _run(self, work: Callable[[], str | None]) -> None:
        results: list[str] = []
        done = threading.Event()

        def guarded() -> None:
            try:
                results.append(work() or "")
            except BaseException as error:  # a cancelled coroutine is no Exception
                self.failed = not self._stop.is_set()
                kind = error if isinstance(error, Exception) else AutopickerError(type(error).__name__)
                results.append(describe_error(kind) if self.failed else STOPPED)
            finally:
                done.set()
                self._news.set()

        threading.Thread(target=guarded, name="autopicker panel's work", daemon=True).start()
        while not done.wait(self._every_s):
            if self._news.is_set():
                self._news.clear()
                self._show()
        self.words = results[0]
        self._running = False
        self._show()

    def _show(self) -> None:
        """Call `on_change`; a drawing that fails must not hold up the work."""
        try:
            self._on_change()
        except Exception as error:
            describe_error(error)


class JobBar:
    """The view of a job: a bar, words, and a Stop button that works while the job runs."""

    def __init__(self, job: Job):
        import ipywidgets as w

        self._job = job
        self.bar = w.FloatProgress(0, min=0, max=1, layout=w.Layout(width="14em"))
        self.stop = w.Button(description="Stop", disabled=True, icon="stop", layout=w.Layout(width="7em"))
        self.words = w.HTML()
        self.stop.on_click(lambda _: job.stop())
        self.view = w.HBox([self.stop, self.bar, self.words])
        self.draw()

    def draw(self) -> None:
        """Show the state of the job."""
        job = self._job
        self.stop.disabled = not job.running
        self.view.layout.display = "flex" if job.running or job.words else "none"
        self.bar.layout.display = "flex" if job.running and job.share is not None else "none"
        self.bar.value = job.share or 0.0
        seconds = job.remaining_s
        remaining = "" if seconds is None else f", about {seconds:.0f} s left"
        warning = "⚠ " if job.failed else ""
        self.words.value = f"<span role='status'>{warning}{escape(job.words)}{remaining}</span>"
