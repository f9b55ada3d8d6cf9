"""Grading of code that models wrote: it runs in a process that sees nothing of this one (see code_sandbox.py)."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from autopicker_lab.core import InvalidRequestError, WorkerError

TIMEOUT_S = 5.0
_SANDBOX = str(Path(__file__).with_name("code_sandbox.py"))
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # it may start no threads


def passes(program: str, assertions: str, *, trust_code: bool = False) -> bool:
    """Whether a program ends well within five seconds, and assertions on what it defined then hold.

    It has no environment, no network, 512 MiB, 16 MiB of files that vanish with it, and cannot start processes; with
    `trust_code`, and where the system has no such thing, it runs as this process's user with the limits alone.

    Code that answers the assertions by looking at them is caught where it exits, prints or replaces names. Python
    cannot keep code that was written against this very grader from pretending to be its objects.

    Raises:
        InvalidRequestError: code cannot be shut in here, and `trust_code` is not set.
        WorkerError: the sandbox broke, and nothing is known of the program.
    """
    check_code_grading(trust_code)
    return _verdict(program, assertions, TIMEOUT_S, confined=not why_not_confined())


def check_code_grading(trust_code: bool) -> None:
    """Refuse to grade code where it cannot be shut in and is not trusted; InvalidRequestError as from `passes`."""
    if not why_not_confined() or (trust_code and hasattr(os, "fork")):
        return
    detail = f"code of models cannot be shut in on this system ({why_not_confined()})"
    hint = "run it where Linux lets processes have namespaces; or, for models whose code you would run, --trust-code"
    raise InvalidRequestError(detail, f"{hint} (trust_code=True)")


@functools.cache
def why_not_confined() -> str:
    """Why this system cannot shut code in; "" where it can. It is tried once."""
    if sys.platform != "linux":
        return "it is not Linux"
    try:
        return "" if _verdict("", "", 30.0, confined=True) else "an empty program does not end there"
    except WorkerError as error:
        return error.detail


def _verdict(program: str, assertions: str, timeout_s: float, *, confined: bool) -> bool:
    """Whether the assertions held; WorkerError where the sandbox says nothing."""
    parts = [part.encode("utf-8", "replace") for part in (program, assertions)]
    job = b"".join([len(part).to_bytes(4, "big") + part for part in parts])
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-I", _SANDBOX, *([folder] if confined else [])],
            cwd=folder,
            env=_ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            said, errors = process.communicate(job, timeout_s)
        except subprocess.TimeoutExpired:
            return False
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # the supervisor, and with it whatever the code has started
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
    if not said:
        why = errors.decode(errors="replace").strip().rpartition("\n")[2] or "it ended"
        raise WorkerError(f"the sandbox for code failed: {why}", "try again")
    return said == b"1"
