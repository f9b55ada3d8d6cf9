"""The user that runs inside Locust: each worker's one user runs its share of plan.json, the master merges reports."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import gevent
from locust import User, events, task
from locust.runners import LocalRunner, MasterRunner, WorkerRunner

from autopicker_lab.loadtest.compare import merge_reports
from autopicker_lab.loadtest.distributed import PLAN, REPORT, STOP
from autopicker_lab.loadtest.plan import LoadPlan
from autopicker_lab.loadtest.report import LoadReport

_MESSAGE, _STOP = "autopicker-report", "autopicker-stop"
_ROWS = 20_000  # of each worker's, which are sent to the master
_GRACE_S = 15.0


class PlanUser(User):
    """Locust's user, which runs the engine in a process of its own: green threads and an event loop share none."""

    done = False
    folder: Path | None = None
    stopped = False

    @task
    def plan(self) -> None:
        """Run this worker's share of the plan, once, and send its report to the master."""
        if type(self).done:
            gevent.sleep(3600)
            return
        type(self).done = True
        runner = self.environment.runner
        index = getattr(runner, "worker_index", 0)
        count = _worker_count(runner)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, REPORT)
            command = [sys.executable, "-m", "autopicker_lab.loadtest", PLAN, str(path), str(index), str(count)]
            type(self).folder = Path(folder)
            if self.stopped:
                _stop()
            subprocess.run(command, check=True)
            type(self).folder = None
            report = LoadReport.load(path)
            report.rows = report.rows[:: math.ceil(len(report.rows) / _ROWS) or 1]
            report.save(path)
            for row in report.rows:  # so that Locust's own tables know of them
                self.environment.events.request.fire(
                    request_type="plan",
                    name=row.kind or "request",
                    response_time=1000 * row.latency,
                    response_length=0,
                    exception=row.error and RuntimeError(row.error),
                )
            if isinstance(runner, WorkerRunner):
                runner.send_message(_MESSAGE, {"report": path.read_text("utf-8")})
            else:
                Path(REPORT).write_bytes(path.read_bytes())
                runner.quit()


def _worker_count(runner: Any) -> int:
    """Number of workers that share the plan: as many as there are users."""
    return 1 if isinstance(runner, LocalRunner) else int(runner.environment.parsed_options.num_users or 1)


class _ReportCollector:
    """Collects the workers' reports on the master, and waits for none longer than its share can take."""

    def __init__(self, runner: MasterRunner):
        self._runner = runner
        self._reports: list[LoadReport] = []

    def add(self, environment: Any, msg: Any, **_: Any) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, REPORT)
            path.write_text(msg.data["report"], "utf-8")
            self._reports.append(LoadReport.load(path))

    def finish(self) -> None:
        """Write the merged report, and end Locust."""
        plan = LoadPlan.of_dict(json.loads(Path(PLAN).read_text("utf-8")))
        count = _worker_count(self._runner)
        stop_sent = False
        with gevent.Timeout(plan.seconds + plan.timeout_s + _GRACE_S, False):
            while len(self._reports) < count and len(self._runner.clients.all):
                if not stop_sent and Path(STOP).exists():
                    stop_sent = True
                    self._runner.send_message(_STOP)
                gevent.sleep(0.05)
        if self._reports:
            report = merge_reports(self._reports)
            if len(self._reports) < count:
                report.warnings.append(f"{count - len(self._reports)} of {count} workers did not report")
            report.save(REPORT)
        self._runner.quit()


def _stop(**_: Any) -> None:
    """End this worker's run early, now or as soon as it has begun."""
    PlanUser.stopped = True
    if PlanUser.folder is not None:
        (PlanUser.folder / STOP).touch()


@events.init.add_listener  # type: ignore[untyped-decorator]
def _prepare(environment: Any, **_: Any) -> None:
    runner = environment.runner
    if isinstance(runner, WorkerRunner):
        runner.register_message(_STOP, _stop)
    if isinstance(runner, MasterRunner):
        collector = _ReportCollector(runner)
        runner.register_message(_MESSAGE, collector.add)
        environment.events.test_start.add_listener(lambda **_: gevent.spawn_later(1.0, collector.finish))
