"""Work that takes a while: in a thread, so that the kernel goes on answering, with progress and a Stop."""

from __future__ import annotations

import threading
import time
from html import escape
from typing import TYPE_CHECKING

from autopicker_lab.core import AutopickerError
from autopicker_lab.widgets.parts.base import told

if TYPE_CHECKING:
    from collections.abc import Callable

STOPPED = "stopped; what came until then is kept"


class Job:
    """One piece of work at a time.

    Args:
        changed: called when there is something new to show, and at the end; never from the thread that works, so
            that drawing does not hold it up.
        every_s: how often at most.

    Attributes:
        share: of the work that is done, 0 to 1; None where nobody knows.
        words: how it goes, or how it ended.
        failed: whether it ended in an error, which `words` tells.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None, every_s: float = 0.1):
        self._changed = changed
        self._every_s = every_s
        self._stop = threading.Event()
        self._new = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._running = False
        self._cancel: Callable[[], object] | None = None
        self._begun = 0.0
        self.share: float | None = None
        self.words = ""
        self.failed = False

    @property
    def running(self) -> bool:
        return self._running

    @property
    def stopping(self) -> bool:
        """Whether it was told to end."""
        return self._stop.is_set()

    @property
    def left_s(self) -> float | None:
        """Seconds that are left at this pace; None where nobody knows."""
        if not self.running or not self.share:
            return None
        return (time.monotonic() - self._begun) * (1 - self.share) / self.share

    def start(self, work: Callable[[], str | None], words: str = "starting") -> bool:
        """Begin `work`, whose answer says how it ended; False where something runs already."""
        with self._starting:
            if self._running:
                return False
            self._stop.clear()
            self._cancel = None
            self._running = True
        self.share, self.words, self.failed, self._begun = None, words, False, time.monotonic()
        self._thread = threading.Thread(target=self._run, args=(work,), name="autopicker panel", daemon=True)
        self._show()
        self._thread.start()
        return True

    def report(self, share: float | None = None, words: str | None = None) -> bool:
        """Say how the work goes; False where it is to end."""
        self.share = self.share if share is None else min(max(share, 0.0), 1.0)
        self.words = self.words if words is None else words
        self._new.set()
        return not self._stop.is_set()

    def stop(self) -> None:
        """End the work; what it has so far is kept."""
        if not self._running:
            return
        self._stop.set()
        self.report(words="stopping")
        if self._cancel is not None:
            self._cancel()

    def ended_by(self, cancel: Callable[[], object]) -> None:
        """Let `stop` call this, for work that cannot be asked to end."""
        self._cancel = cancel
        if self._stop.is_set():
            cancel()

    def wait(self, seconds: float | None = None) -> None:
        """Until nothing runs any more, and that was told."""
        until = None if seconds is None else time.monotonic() + seconds
        while (thread := self._thread) is not None and thread is not threading.current_thread() and thread.is_alive():
            thread.join(None if until is None else max(0.0, until - time.monotonic()))
            if thread.is_alive():
                return

    def _run(self, work: Callable[[], str | None]) -> None:
        ended: list[str] = []
        done = threading.Event()

        def guarded() -> None:
            try:
                ended.append(work() or "")
            except BaseException as error:  # a cancelled coroutine is no Exception
                self.failed = not self._stop.is_set()
                kind = error if isinstance(error, Exception) else AutopickerError(type(error).__name__)
                ended.append(told(kind) if self.failed else STOPPED)
            finally:
                done.set()
                self._new.set()

        threading.Thread(target=guarded, name="autopicker panel's work", daemon=True).start()
        while not done.wait(self._every_s):
            if self._new.is_set():
                self._new.clear()
                self._show()
        self.words = ended[0]
        self._running = False
        self._show()

    def _show(self) -> None:
        """Tell whoever draws; a drawing that fails must not hold up the work."""
        try:
            self._changed()
        except Exception as error:
            told(error)


class JobBar:
    """How a job goes: a bar, words, and a Stop button that is there while it runs."""

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
        job = self._job
        self.stop.disabled = not job.running
        self.view.layout.display = "flex" if job.running or job.words else "none"
        self.bar.layout.display = "flex" if job.running and job.share is not None else "none"
        self.bar.value = job.share or 0.0
        seconds = job.left_s
        left = "" if seconds is None else f", about {seconds:.0f} s left"
        mark = "⚠ " if job.failed else ""
        self.words.value = f"<span role='status'>{mark}{escape(job.words)}{left}</span>"
