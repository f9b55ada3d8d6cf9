"""The engine that runs a plan: users in a closed loop, or requests sent when they are due, answered or not before."""

from __future__ import annotations

import asyncio
import itertools
import math
import random
import time
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psutil

from autopicker_lab.loadtest.arrivals import Closed, Open
from autopicker_lab.loadtest.distribution import Distribution
from autopicker_lab.loadtest.over_http import NOT_CONNECTED
from autopicker_lab.loadtest.pacing import Pacer
from autopicker_lab.loadtest.recorder import Live, Recorder
from autopicker_lab.loadtest.sample import Sample
from autopicker_lab.loadtest.targets import Target, target_of
from autopicker_lab.runtime.event_loop import run_in_thread

if TYPE_CHECKING:
    from autopicker_lab.loadtest.chat_target import AnswerSource
    from autopicker_lab.loadtest.plan import LoadPlan
    from autopicker_lab.loadtest.report import LoadReport

LiveProgress = Callable[[Live], bool | None]  # not (done, total): a run that time alone bounds has no total
_TICK_S = 0.05
_PAUSE_S = 0.1  # of a user who found no connection
_MAX_QUEUED = 100_000
_COARSE_S = 0.5  # a shorter run says too little by the system's clocks of all cores
_SLACK_S = 0.5  # beyond the time limit of the last request, so that the limit itself is noticed
_TICKS = 5  # between two reports of progress


async def run(plan: LoadPlan, progress: LiveProgress | None = None, ask: AnswerSource | None = None) -> LoadReport:
    """Run a plan on the running event loop, and measure every request.

    Args:
        progress: called with the state of the run four times a second and at the end; returning False ends the run,
            and the report holds what was measured until then.
        ask: streams answers, for a plan whose url is IN_PROCESS.
    """
    target = target_of(plan, ask)
    execution = _Run(plan, target, progress)
    try:
        return await execution.report()
    finally:
        target.close()
        await asyncio.sleep(0)  # broken connections are closed in the next turn of the loop


def measure(plan: LoadPlan, progress: LiveProgress | None = None, ask: AnswerSource | None = None) -> LoadReport:
    """Run a plan as `run` does, on an event loop in a thread of its own (uvloop where installed), and wait for it."""
    return run_in_thread(lambda: run(plan, progress, ask))


async def warm_up(
    plan: LoadPlan, longest_s: float, progress: LiveProgress | None, ask: AnswerSource | None = None
) -> bool:
    """Send one of a plan's requests, so that its server is ready; False where it was stopped."""
    first = plan.at(Closed(1), requests=1, duration_s=None, warm_up_s=0.0, cool_down_s=0.0)
    report = await run(replace(first, timeout_s=min(plan.timeout_s, longest_s)), progress, ask)
    return not report.stopped_early


class _Run:
    """One execution of a plan."""

    def __init__(self, plan: LoadPlan, target: Target, progress: LiveProgress | None):
        self._plan = plan
        self._target = target
        self._progress = progress
        self._recorder = Recorder(plan)
        self._tasks: set[asyncio.Task[None]] = set()
        self._queue: deque[float] = deque()  # when requests were due that max_in_flight holds back
        self._pacer: Pacer | None = None
        self._stopped = asyncio.Event()  # by the caller, by the budget, by refusals, or by a failure
        self._sent = 0
        self._in_flight = 0
        self._lag = Distribution()
        self._failure: BaseException | None = None
        self._started_at = 0.0

    def _clock(self) -> float:
        return time.perf_counter() - self._started_at

    async def report(self) -> LoadReport:
        """Send all requests, wait for their answers, and report."""
        plan = self._plan
        machine = _Machine()
        self._started_at = time.perf_counter()
        watcher = asyncio.create_task(self._watch())
        try:
            if isinstance(plan.arrivals, Closed):
                for _ in range(int(min(plan.arrivals.users, plan.bound))):
                    self._spawn(self._user(plan.arrivals.think_s))
            else:
                await self._send_when_due(plan.arrivals)
            stopped_at = self._clock() if self._stopped.is_set() else None
            await self._drain()
        finally:
            watcher.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(watcher, *self._tasks, return_exceptions=True)
        if self._failure is not None:
            raise self._failure
        if self._stopped.is_set() and stopped_at is None:
            stopped_at = self._clock()
        self._report_progress()
        report = self._recorder.finished(stopped_at, by_time=self._sent < self._plan.own_bound)
        report.client_cpu, report.others_cpu = machine.shares()
        report.lag_ms = self._lag.percentile_ms(99)
        return report

    async def _user(self, think_s: float) -> None:
        """Act as one user of a closed loop."""
        plan = self._plan
        while self._sent < plan.bound and not self._stopped.is_set():
            now = self._clock()
            if now >= plan.seconds:
                break
            sample = Sample(self._sent, now)
            self._sent += 1
            await self._send(sample)
            if sample.error in NOT_CONNECTED:  # which takes no time, so that this user would do nothing else
                await asyncio.sleep(min(_PAUSE_S, max(0.0, plan.seconds - self._clock())))
            if think_s and self._sent < plan.bound:
                await asyncio.sleep(min(think_s, max(0.0, plan.seconds - self._clock())))

    async def _send_when_due(self, arrivals: Open) -> None:
        plan = self._plan
        index, count = plan.part
        times = arrivals.due_times(plan.seconds, random.Random(plan.seed))
        whole = itertools.islice(times, None if plan.bound == math.inf else int(plan.bound))
        own = itertools.islice(whole, index, None, count)
        self._pacer = Pacer(own, self._clock, plan.seconds, self._start_or_queue)
        try:
            await self._pacer.finished.wait()
            if plan.bound == math.inf:  # the schedule may end before the time does
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, plan.seconds - self._clock())):
                        await self._stopped.wait()
        finally:
            await self._pacer.stop()
        if self._pacer.behind:
            self._recorder.report.warnings.append("the client could not send all that was due")

    def _start_or_queue(self, due: float) -> None:
        if self._in_flight < self._plan.max_in_flight:
            self._start(due)
        elif len(self._queue) < _MAX_QUEUED:
            self._recorder.report.queued += 1
            self._queue.append(due)
        else:
            self._record_not_sent(due)

    def _start(self, due: float) -> None:
        sample = Sample(self._sent, due)
        self._sent += 1
        self._in_flight += 1  # from now on, not from when its task begins
        self._spawn(self._send(sample, counted=True))

    def _record_not_sent(self, due: float) -> None:
        sample = Sample(self._sent, due)
        self._sent += 1
        sample.sent_at = sample.ended_at = max(due, self._clock())
        sample.error = "not sent"
        self._recorder.add(sample)

    async def _send(self, sample: Sample, counted: bool = False) -> None:
        """Send a request and record it; `counted`: it is among those in flight already."""
        if not counted:
            self._in_flight += 1
        try:
            sample.sent_at = max(sample.due, self._clock()) if counted else sample.due
            await self._target.send(sample, self._clock)
        finally:
            self._in_flight -= 1
        sample.ended_at = self._clock()
        self._recorder.add(sample)
        budget = self._plan.max_cost_usd
        if budget is not None and self._recorder.spent_usd >= budget:
            self._stop()
        if sample.error is not None and self._recorder.refused:
            self._stop()
        if self._pacer is not None:
            self._pacer.catch_up()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._after_request)

    def _after_request(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._fail(task.exception())
        while self._queue and not self._stopped.is_set():
            due = self._queue.popleft()
            if self._clock() - due < self._plan.timeout_s:
                self._start(due)
                return
            self._record_not_sent(due)

    def _stop(self) -> None:
        self._recorder.report.stopped_early = True
        self._stopped.set()
        if self._pacer is not None:
            self._pacer.finished.set()

    def _fail(self, error: BaseException | None) -> None:
        """Keep a fault of ours or of the progress callback: it is raised where the run is waited for."""
        self._failure = self._failure or error
        self._stop()

    async def _drain(self) -> None:
        """Wait for requests in flight, as long as answers may take; not at all where the run was stopped."""
        until = self._plan.seconds + self._plan.timeout_s + _SLACK_S
        while self._tasks and not self._stopped.is_set() and self._clock() < until:
            await asyncio.wait(set(self._tasks), timeout=_TICK_S)
        for due in self._queue:
            self._record_not_sent(due)
        self._recorder.report.unfinished = self._in_flight

    async def _watch(self) -> None:
        """Measure how late the event loop is, and report progress."""
        last = time.perf_counter()
        for tick in itertools.count(1):
            await asyncio.sleep(max(0.0, _TICK_S - (time.perf_counter() - last)))
            now = time.perf_counter()
            self._lag.extend([max(0.0, now - last - _TICK_S)])  # from tick to tick, what progress takes included
            last = now
            if tick % _TICKS:
                continue
            try:
                if self._report_progress() is False:
                    self._stop()
            except Exception as error:
                self._fail(error)

    def _report_progress(self) -> bool | None:
        self._recorder.fold()
        if self._progress is None:
            return None
        return self._progress(self._recorder.live(self._clock(), self._in_flight))


class _Machine:
    """Measures how busy this thread and the rest of the machine are between two moments."""

    def __init__(self) -> None:
        self._wall = time.perf_counter()
        self._thread_s = time.thread_time()
        self._process_s = time.process_time()
        self._busy_s = _busy_s()

    def shares(self) -> tuple[float, float | None]:
        """Share of a core that this thread used, and share of the machine that other processes used (None: unknown)."""
        wall = max(1e-6, time.perf_counter() - self._wall)
        thread = round((time.thread_time() - self._thread_s) / wall, 3)
        if wall < _COARSE_S:
            return thread, None
        try:
            others = (_busy_s() - self._busy_s - (time.process_time() - self._process_s)) / (
                wall * (psutil.cpu_count() or 1)
            )
        except OSError:  # so many connections that no file can be opened
            return thread, None
        return thread, round(min(1.0, max(0.0, others)), 3)


def _busy_s() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))
