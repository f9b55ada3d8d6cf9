"""Runs a plan: users in a closed loop, or requests sent when they are due whatever became of those before."""

from __future__ import annotations

import asyncio
import itertools
import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

import psutil

from autopicker_lab.loadtest.arrivals import Closed, Open
from autopicker_lab.loadtest.distribution import Distribution
from autopicker_lab.loadtest.plan import LoadPlan
from autopicker_lab.loadtest.recorder import Live, Recorder
from autopicker_lab.loadtest.report import LoadReport
from autopicker_lab.loadtest.sample import Sample
from autopicker_lab.loadtest.targets import Ask, Target, target_of

T = TypeVar("T")
Progress = Callable[[Live], bool | None]
_TICK_S = 0.05
_EARLIEST_S = 0.0005
_TICKS = 5  # between two reports of progress


async def run(plan: LoadPlan, progress: Progress | None = None, ask: Ask | None = None) -> LoadReport:
    """Run a plan on the running event loop, and measure every request.

    Args:
        progress: told how it goes four times a second and at the end; returning False ends the run, and keeps what was
            measured.
        ask: streams answers, for a plan whose url is IN_PROCESS.
    """
    target = target_of(plan, ask)
    going = _Run(plan, target, progress)
    try:
        return await going.to_the_end()
    finally:
        target.close()
        await asyncio.sleep(0)  # what is broken off is closed in the next turn of the loop


def measure(plan: LoadPlan, progress: Progress | None = None, ask: Ask | None = None) -> LoadReport:
    """As `run`, for callers that wait, on an event loop and a thread of its own; the fastest that is installed."""
    return in_thread(lambda: run(plan, progress, ask))


def in_thread(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The result of a coroutine that runs on an event loop in a new thread, also where another loop runs here."""
    found: Future[T] = Future()

    def body() -> None:
        with asyncio.Runner(loop_factory=_loop) as runner:
            task = runner.get_loop().create_task(work())
            found.add_done_callback(lambda _: runner.get_loop().call_soon_threadsafe(task.cancel))
            try:
                found.set_result(runner.get_loop().run_until_complete(task))
            except asyncio.CancelledError:
                found.cancel()
            except BaseException as error:  # raised where it is waited for
                found.set_exception(error)

    thread = threading.Thread(target=body, name="load test", daemon=True)
    thread.start()
    try:
        return found.result()
    finally:
        found.cancel()  # an interrupted caller leaves nothing running
        thread.join()


def _loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # on Windows
        return asyncio.new_event_loop()
    made: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return made


class _Run:
    def __init__(self, plan: LoadPlan, target: Target, progress: Progress | None):
        self._plan = plan
        self._target = target
        self._progress = progress
        self._recorder = Recorder(plan)
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: deque[float] = deque()
        self._schedule: Iterator[float] = iter(())
        self._due: float | None = None  # when the next request of the schedule is
        self._pumped = threading.Event()
        self._wake_s = 0.0002  # that the clock takes to wake the loop, on average
        self._over = asyncio.Event()  # nothing more is sent
        self._ended_early = asyncio.Event()
        self._stopped = threading.Event()  # somebody, or the budget, ended it
        self._sent = 0
        self._lag = Distribution()
        self._failure: BaseException | None = None
        self._begun = 0.0

    def _clock(self) -> float:
        return time.perf_counter() - self._begun

    async def to_the_end(self) -> LoadReport:
        plan = self._plan
        machine = _Machine()
        self._begun = time.perf_counter()
        watcher = asyncio.create_task(self._watch())
        try:
            if isinstance(plan.arrivals, Closed):
                await self._closed(plan.arrivals)
            else:
                await self._open(plan.arrivals)
        finally:
            self._stopped.set()
            watcher.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(watcher, *self._tasks, return_exceptions=True)
        self._recorder.fold()
        self._tell()
        return self._finished(machine)

    def _finished(self, machine: _Machine) -> LoadReport:
        report = self._recorder.report
        if report.open_loop and not report.stopped_early and self._sent < self._plan.bound:
            report.seconds = max(report.seconds, self._plan.seconds - self._plan.cool_down_s - self._plan.warm_up_s)
        report.client_cpu, report.others = machine.shares()
        lag = self._lag.percentile_ms(99)
        report.lag_ms = lag
        if self._plan.price_in or self._plan.price_out:
            report.cost_usd = self._recorder.spent_usd
        return report

    # a closed loop

    async def _closed(self, arrivals: Closed) -> None:
        users = int(min(arrivals.users, self._plan.bound))
        for _ in range(users):
            self._spawn(self._user(arrivals.think_s))
        await self._until_done()

    async def _user(self, think_s: float) -> None:
        plan, recorder, target, clock = self._plan, self._recorder, self._target, self._clock
        while self._sent < plan.bound and not self._stopped.is_set():
            now = clock()
            if now >= plan.seconds:
                break
            sample = Sample(self._sent, now)
            self._sent += 1
            await target.send(sample, clock)
            sample.end = clock()
            recorder.add(sample)
            if think_s:
                await asyncio.sleep(think_s)

    # an open loop

    async def _open(self, arrivals: Open) -> None:
        loop = asyncio.get_running_loop()
        self._schedule = itertools.islice(
            arrivals.due(self._plan.seconds, random.Random(self._plan.seed)),
            None if self._plan.bound == math.inf else int(self._plan.bound),
        )
        self._due = next(self._schedule, None)
        if self._due is None:
            self._over.set()
        pacer = threading.Thread(target=self._pace, args=(loop,), name="load test's clock", daemon=True)
        pacer.start()
        try:
            await self._over.wait()
            if self._sent + len(self._waiting) < self._plan.bound and not self._stopped.is_set():
                with suppress(TimeoutError):  # the schedule may end before the time does
                    async with asyncio.timeout(max(0.0, self._plan.seconds - self._clock())):
                        await self._ended_early.wait()
            await self._until_done()
        finally:
            self._stopped.set()
            self._pumped.set()
            await asyncio.to_thread(pacer.join)

    def _pace(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wake the loop when the next request is due, from a thread: a loop's own timers are a millisecond late."""
        while not self._stopped.is_set() and (due := self._due) is not None:
            left = due - self._wake_s - self._clock()
            if left > 0 and self._stopped.wait(left):
                return
            self._pumped.clear()
            loop.call_soon_threadsafe(self._pump, due - self._wake_s if left > 0 else None)
            self._pumped.wait()

    def _pump(self, woken: float | None = None) -> None:
        """Start whatever is due; asked for by the clock, and after each answer, as long as the loop is busy.

        Args:
            woken: when the clock meant to wake the loop. It does so as much too early as waking takes, and what is
                left then is waited for here.
        """
        due = self._due
        if woken is not None:
            self._wake_s += 0.1 * (min(self._clock() - woken, _EARLIEST_S) - self._wake_s)
        while due is not None and 0 < due - self._clock() < _EARLIEST_S:
            pass
        while due is not None and due <= self._clock() and not self._stopped.is_set():
            if len(self._tasks) < self._plan.max_in_flight:
                self._start(due)
            else:
                self._recorder.report.held_back += 1
                self._waiting.append(due)
            due = next(self._schedule, None)
        self._due = due
        if due is None or self._stopped.is_set():
            self._over.set()
        self._pumped.set()

    def _start(self, due: float) -> None:
        sample = Sample(self._sent, due)
        self._sent += 1
        self._spawn(self._one(sample))

    async def _one(self, sample: Sample) -> None:
        sample.sent = self._clock()
        await self._target.send(sample, self._clock)
        sample.end = self._clock()
        self._recorder.add(sample)
        if self._due is not None and self._due <= sample.end:
            self._pump()

    # both

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:  # a fault of ours: targets raise nothing
            self._failure = task.exception()
            self._stopped.set()
        if self._waiting and not self._stopped.is_set():
            self._start(self._waiting.popleft())

    async def _until_done(self) -> None:
        """Wait for what is under way; where somebody ended the run, for nothing."""
        while self._tasks and not self._stopped.is_set():
            await asyncio.wait(set(self._tasks), timeout=_TICK_S)
        if self._failure is not None:
            raise self._failure
        self._recorder.report.unfinished = len(self._tasks)

    async def _watch(self) -> None:
        ticks = 0
        while True:
            before = time.perf_counter()
            await asyncio.sleep(_TICK_S)
            self._lag.extend([max(0.0, time.perf_counter() - before - _TICK_S)])
            ticks += 1
            if ticks % _TICKS:
                continue
            self._recorder.fold()
            budget = self._plan.max_cost_usd
            if self._tell() is False or (budget is not None and self._recorder.spent_usd >= budget):
                self._recorder.report.stopped_early = True
                self._stopped.set()
                self._over.set()
                self._ended_early.set()

    def _tell(self) -> bool | None:
        if self._progress is None:
            return None
        return self._progress(self._recorder.live(self._clock(), len(self._tasks)))


class _Machine:
    """How busy this thread and the rest of the machine are between two moments."""

    def __init__(self) -> None:
        self._wall = time.perf_counter()
        self._mine = time.thread_time()
        self._own = sum(psutil.Process().cpu_times()[:2])
        self._busy = _busy_s()

    def shares(self) -> tuple[float, float]:
        """This thread's share of a core, and the share of the machine that other processes used."""
        wall = max(1e-6, time.perf_counter() - self._wall)
        own = sum(psutil.Process().cpu_times()[:2]) - self._own
        others = (_busy_s() - self._busy - own) / (wall * (psutil.cpu_count() or 1))
        return round((time.thread_time() - self._mine) / wall, 3), round(min(1.0, max(0.0, others)), 3)


def _busy_s() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))
