"""A plan run by Locust's distributed mode: a master, and workers on this machine or on others.

Locust spreads the work and collects the reports; each worker runs its share of the plan with our own engine, so that
the merged report is the same LoadReport. What Locust runs is a folder with `plan.json` and `locustfile.py`.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from autopicker_lab.core import InvalidRequestError, WorkerError
from autopicker_lab.core.optional import install_line
from autopicker_lab.loadtest.arrivals import Closed
from autopicker_lab.loadtest.plan import IN_PROCESS, LoadPlan
from autopicker_lab.loadtest.report import LoadReport

if TYPE_CHECKING:
    from collections.abc import Callable

REPORT, PLAN, STOP = "report.json", "plan.json", "stop"
_LOCUSTFILE = '''"""Runs plan.json. On further machines: locust -f locustfile.py --worker --master-host ADDRESS"""

from autopicker_lab.loadtest.locust_user import PlanUser  # noqa: F401  # Locust looks for it
'''


def write_locust_folder(plan: LoadPlan, folder: Path) -> Path:
    """Write the plan and its locustfile into a folder, and return the path of the locustfile."""
    if plan.url == IN_PROCESS:
        raise InvalidRequestError(
            "a Workbench in this process cannot be tested from others", "serve it, and give its URL"
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PLAN).write_text(json.dumps(plan.to_dict(), indent=2) + "\n", "utf-8")
    (folder / "locustfile.py").write_text(_LOCUSTFILE, "utf-8")
    return folder / "locustfile.py"


def run_distributed(
    plan: LoadPlan, workers: int = 2, folder: Path | None = None, stopped: Callable[[], bool] | None = None
) -> LoadReport:
    """Run a plan with `workers` Locust processes on this machine.

    Args:
        folder: where the files that Locust runs are kept; None: a temporary folder.
        stopped: called ten times a second; True ends the run, and the report holds what was measured until then.

    Raises:
        InvalidRequestError: Locust is not installed, or there are more workers than users.
        AutopickerError: Locust failed.
    """
    if importlib.util.find_spec("locust") is None:
        raise InvalidRequestError("Locust is not installed", f"install it: {install_line('locust')}")
    users = plan.arrivals.users if isinstance(plan.arrivals, Closed) else workers
    if workers < 1 or min(plan.bound, users) < workers:
        raise InvalidRequestError(f"{workers} workers cannot share this plan", "take fewer, or send more requests")
    with tempfile.TemporaryDirectory() as scratch:
        place = folder or Path(scratch)
        for stale in (REPORT, STOP):
            (place / stale).unlink(missing_ok=True)
        command = [
            sys.executable,
            "-m",
            "locust",
            "-f",
            str(write_locust_folder(plan, place)),
            "--headless",
            "--only-summary",
        ]
        command += ["--processes", str(workers), "-u", str(workers), "-r", str(workers), "--loglevel", "WARNING"]
        with subprocess.Popen(
            command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as master:
            try:
                output = _wait(master, place, stopped)
            finally:
                master.terminate()
                (place / STOP).unlink(missing_ok=True)
        if not (place / REPORT).exists():
            raise WorkerError(f"Locust ended without a report: {output[-500:].strip()}", "run its locustfile by hand")
        return LoadReport.load(place / REPORT)


def _wait(master: subprocess.Popen[str], place: Path, stopped: Callable[[], bool] | None) -> str:
    """Wait until Locust has ended, and return what it printed."""
    while True:
        try:
            return master.communicate(timeout=0.1)[0] or ""
        except subprocess.TimeoutExpired:
            if stopped is not None and stopped():
                (place / STOP).touch()
