"""Checks: what an answer is worth by a grader that needs no right answer, so that answers can be checked as they come.

regex:PATTERN       whether the pattern is found in the answer
schema:JSON         whether the JSON value of the answer fits this schema
tests:ASSERTIONS    whether the answer's code runs shut in, and the assertions then hold; there may be none
my.py:function      a person's own, or the name of an entry point: called with the answer and the question, gives 0 to 1

`schema:@FILE` and `tests:@FILE` stand for what the file holds (`written_out`).
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import multiprocessing
import signal
import threading
from contextlib import suppress
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, NamedTuple

from autopicker_lab.core import AutopickerError, InvalidRequestError, WorkerError
from autopicker_lab.grading.grade import check_answer, grade_reply
from autopicker_lab.grading.own_graders import is_entry_point, is_own

if TYPE_CHECKING:
    from pebble import ProcessPool

TIMEOUT_S = 5.0
_GRADERS = {"regex": "regex", "schema": "json_schema", "tests": "python"}
_BOUNDED = ("regex", "python")  # graders that bound their own time
_PROCESSES = 2


class AnswerCheck(NamedTuple):
    """A grader, and what it compares each answer with; None: the question."""

    grader: str
    answer: object


def check_of(name: str) -> AnswerCheck | None:
    """The check of this name; None where it names none.

    Raises:
        InvalidRequestError: what it compares with is no schema, or no code.
    """
    kind, colon, argument = name.partition(":")
    if not colon or kind not in _GRADERS:
        return AnswerCheck(name, None) if is_own(name) else None
    if kind != "schema":
        return AnswerCheck(_GRADERS[kind], argument)
    try:
        return AnswerCheck(_GRADERS[kind], json.loads(argument))
    except (ValueError, RecursionError):
        hint = "write schema:{...}, or schema:@FILE"
        raise InvalidRequestError(f"no JSON schema: '{argument[:60]}'", hint) from None


def check_usable(name: str) -> bool:
    """Whether this names a check; InvalidRequestError for one that cannot be made."""
    check = check_of(name)
    if check is None:
        return False
    if check.answer is not None:
        check_answer(check.grader, check.answer)
    elif not is_entry_point(name):
        path = PurePath(name.rpartition(":")[0])
        if path.is_absolute() or ".." in path.parts:
            raise InvalidRequestError(f"the check '{name}' is outside its folder", "name it by a path within that")
    return True


def written_out(name: str) -> str:
    """The name with the text of the file that it stands for; InvalidRequestError where that cannot be read."""
    kind, _, argument = name.partition(":")
    if kind not in ("schema", "tests") or not argument.startswith("@"):
        return name
    path = Path(argument[1:]).expanduser()
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequestError(f"cannot read '{path}' of the check: {error}", "check the path") from None
    if kind != "schema":
        return f"{kind}:{text.strip()}"
    try:
        return f"schema:{json.dumps(json.loads(text), separators=(',', ':'), ensure_ascii=False)}"
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError(f"'{path}' is not JSON: {error}", "correct it") from None


class CheckRunner:
    """Runs checks off the event loop; those that could go on for ever run in processes that are killed.

    Args:
        folder: where the files of a person's own checks are; None: no such check is run.
    """

    def __init__(self, folder: Path | None = None):
        self.folder = folder
        self._lock = threading.Lock()
        self._pool: ProcessPool | None = None

    def refuse_what_cannot_run(self, name: str) -> None:
        """InvalidRequestError for a check of one's own whose file is not there, or may not be run."""
        if not check_usable(name) or not is_own(name) or is_entry_point(name):
            return
        if self.folder is None:
            detail = f"'{name}' is code, which is run from a folder that you name alone"
            raise InvalidRequestError(detail, "set AUTOPICKER_CHECKS to the folder of its file")
        if not (path := self.folder / name.rpartition(":")[0]).is_file():
            raise InvalidRequestError(
                f"no file '{path}' for the check '{name}'", "name its folder: AUTOPICKER_CHECKS=FOLDER"
            )

    async def score(self, name: str, reply: str, question: str) -> float:
        """What a check makes of a reply, 0 to 1.

        Raises:
            InvalidRequestError: it failed, or cannot run here. WorkerError: it took longer than five seconds.
        """
        self.refuse_what_cannot_run(name)
        check = check_of(name)
        assert check is not None  # a name of a check
        job = check.grader, reply, question if check.answer is None else check.answer
        if check.grader in _BOUNDED:
            return await asyncio.to_thread(grade_reply, *job)
        return await asyncio.wrap_future(self._begin(name, *job))

    def _begin(self, name: str, grader: str, reply: str, answer: object) -> concurrent.futures.Future[float]:
        from pebble import ProcessPool

        with self._lock:
            if self._pool is None or not self._pool.active:
                spawn = multiprocessing.get_context("spawn")
                self._pool = ProcessPool(_PROCESSES, context=spawn, initializer=_prepare)
            inner = self._pool.schedule(_graded, args=(grader, reply, answer, self.folder), timeout=TIMEOUT_S)
        outer: concurrent.futures.Future[float] = concurrent.futures.Future()
        outer.add_done_callback(lambda future: inner.cancel() if future.cancelled() else None)

        def forward(_: object) -> None:
            if outer.set_running_or_notify_cancel():
                try:
                    outer.set_result(inner.result())
                except AutopickerError as error:
                    outer.set_exception(error)
                except TimeoutError:
                    outer.set_exception(WorkerError(f"the check '{name:.60}' took longer than {TIMEOUT_S:g} s"))
                except BaseException as error:  # whatever ended the process
                    outer.set_exception(WorkerError(f"the check '{name:.60}' ended its process: {error}"))

        inner.add_done_callback(forward)
        return outer

    def close(self) -> None:
        """End the processes, those at work included."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop()
            pool.join()


def _prepare() -> None:
    """Leave Ctrl-C to the parent, and load what would else count as time of the first check."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(ImportError):
        import jsonschema  # noqa: F401


def _graded(grader: str, reply: str, answer: object, folder: Path | None) -> float:
    return grade_reply(grader, reply, answer, folder=folder)
