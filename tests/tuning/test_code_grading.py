"""Code under grading sees nothing of its grader, changes nothing, and cannot say itself that it passed."""

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.serving import serving

from autopicker_lab.core import ChatReply, InvalidRequestError, ModelSpec, WorkerError
from autopicker_lab.grading import code_grading
from autopicker_lab.grading.code_grading import passes, why_not_confined
from autopicker_lab.grading.grade import grade_reply
from autopicker_lab.tuning import collect
from autopicker_lab.tuning.questions import Question

WRONG = "assert len([answer]) == 1 and answer == 42"
confined = pytest.mark.skipif(bool(why_not_confined()), reason=f"no sandbox: {why_not_confined()}")


def tried(code: str) -> bool:
    """Whether an attempt raised nothing: 'done' is set at its end."""
    lines = "\n".join(f"    {line}" for line in code.splitlines())
    program = f"done = False\ntry:\n{lines}\n    done = True\nexcept Exception:\n    pass"
    assert passes(program, "assert done in (True, False)")  # the attempt itself did not end it
    return passes(program, "assert done")


def test_this_system_can_shut_code_in() -> None:
    if sys.platform == "linux" and os.geteuid() == 0:
        assert why_not_confined() == ""


@confined
def test_right_code_passes_with_the_libraries_that_are_installed() -> None:
    program = """
from __future__ import annotations
import collections, dataclasses, datetime, decimal, enum, functools, inspect, json, random, re, sqlite3, tempfile
import numpy as np
Point = collections.namedtuple("Point", "x y")
@dataclasses.dataclass
class Box:
    size: int = 3
def answer(n):
    with tempfile.TemporaryFile() as file:
        file.write(b"x" * n)
    return int(np.arange(n).sum()) + Point(1, 2).x + Box().size
"""
    assert passes(program, "assert answer(4) == 10")
    assert not passes(program, "assert answer(4) == 11")


@confined
@pytest.mark.fault("code under grading reads its grader's environment", "there is no way to it")
def test_the_environment_of_the_grader_is_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert not passes("import os", "assert 'sk-secret' in str(os.environ)")
    for place in (f"/proc/{os.getpid()}/environ", "/proc/self/environ", "/proc/1/environ", "/etc/passwd", __file__):
        assert not tried(f"open({place!r}).read()")
    assert not tried("import os\nopen(f'/proc/{os.getppid()}/environ').read()")


@confined
@pytest.mark.fault("code under grading opens connections", "it has no network")
def test_nothing_is_reached_over_the_network() -> None:
    asked = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        asked.append(scope["type"])

    with serving(app) as address:
        asked.clear()
        port = int(address.rpartition(":")[2])
        assert not tried(f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 1)")
        assert not tried("import socket\nsocket.create_connection(('192.0.2.1', 80), 1)")
    assert not asked


@confined
@pytest.mark.fault("code under grading writes outside its folder", "it has no other that it may write to")
def test_nothing_outside_its_folder_is_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    for folder in (tmp_path, Path.home(), Path(sys.prefix), Path(sys.base_prefix), Path("/usr"), Path("/")):
        assert not tried(f"open({str(folder / 'written')!r}, 'w').write('x')")
        assert not (folder / "written").exists()
    assert not list(tmp_path.iterdir())
    assert tried("open('mine', 'w').write('x')\nassert open('/tmp/mine').read() == 'x'")
    assert not Path("/tmp/mine").exists()
    assert not tried("for i in range(100):\n    open(f'f{i}', 'w').write('x' * 2**20)")
    assert not tried("import os\nos.mknod('disk', 0o60666, os.makedev(254, 0))")


@confined
@pytest.mark.fault("code under grading outlives it by setsid", "all of its processes end with it")
def test_nothing_outlives_the_grading() -> None:
    started = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    while True: time.sleep(1)"
    assert not tried(started)
    monitored = {process.pid for process in psutil.process_iter()}
    begun = time.monotonic()
    assert not passes("import os, time\nos.setsid()\nwhile True: time.sleep(0.1)", "")
    assert time.monotonic() - begun < 60
    while left := [
        process
        for process in psutil.process_iter()
        if process.pid not in monitored and "code_sandbox" in " ".join(_command(process))
    ]:
        assert time.monotonic() - begun < 60, left
        time.sleep(0.1)


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


FORGERIES = {
    "prints what stands in its file": "print(open(__file__).read())",
    "prints what its arguments name": "import sys\nfor name in sys.argv: print(open(name).read())",
    "prints a verdict": "print('1')\nimport sys; sys.stderr.write('1')",
    "writes it to all descriptors": "import os\nos.set_blocking(3, False)\nfor n in range(3): os.write(n, b'1')",
    "replaces what writes": "import os\nos.write = lambda fd, data: len(data)\nos.read = lambda fd, n: b'x' * n",
    "replaces what compares": "import builtins\nbuiltins.abs = builtins.len = lambda x: 42\nanswer = 'a'",
    "exits well": "import sys; sys.exit(0)",
    "leaves at once": "import os; os._exit(0)",
    "leaves at the end": "import atexit, os\natexit.register(os._exit, 0)",
    "replaces AssertionError": "import builtins\nclass E(BaseException): pass\nbuiltins.AssertionError = E",
    "replaces exec": "import builtins\nbuiltins.exec = builtins.compile = lambda *a, **k: None",
    "looks for frames": "import sys\nanswer = 42 if sys._getframe(1).f_locals else 0",
    "looks for frames by an error": "try: 1/0\nexcept Exception as e: answer = 42 * bool(e.__traceback__.tb_frame)",
    "looks for objects": "import gc\nanswer = 42 if gc.get_objects() else 0",
    "stops the supervisor": "import os, signal\nos.kill(1, signal.SIGKILL)",
    "ends its parent": "import os, signal\nos.kill(os.getppid(), signal.SIGTERM)",
}


@confined
@pytest.mark.parametrize("name", FORGERIES)
@pytest.mark.fault("code under grading says itself that it passed", "it scores 0: the verdict is not its own")
def test_code_cannot_pass_by_its_own_word(name: str) -> None:
    assert grade_reply("python", f"```python\n{FORGERIES[name]}\n```", WRONG) == 0


@confined
def test_assertions_are_not_there_before_the_program_has_ended() -> None:
    program = """
import os
seen = b""
for descriptor in range(64):
    try:
        os.set_blocking(descriptor, False)
        seen += os.read(descriptor, 10_000)
    except OSError:
        pass
    else:
        os.set_blocking(descriptor, True)
"""
    assert not passes(program, "assert b'secret of the assertions' in seen")


@confined
def test_many_are_graded_at_once() -> None:
    results: list[bool] = []
    threads = [
        threading.Thread(target=lambda n=n: results.append(passes(f"answer = {n}", f"assert answer == {n}")))
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 6


def test_a_sandbox_that_breaks_is_no_wrong_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_grading, "why_not_confined", lambda: "")
    monkeypatch.setattr(code_grading, "_SANDBOX", "/nowhere.py")
    with pytest.raises(WorkerError, match="sandbox"):
        grade_reply("python", "answer = 42", WRONG)


async def test_where_code_cannot_be_shut_in_it_runs_only_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(code_grading, "why_not_confined", lambda: "no namespaces")
    with pytest.raises(InvalidRequestError, match="trust-code"):
        grade_reply("python", "answer = 42", WRONG)
    assert grade_reply("python", "answer = 42", WRONG, trust_code=True) == 1
    assert grade_reply("python", "answer = 41", WRONG, trust_code=True) == 0
    assert grade_reply("python", "print(1)", WRONG, trust_code=True) == 0
    asked = []

    async def ask(request: Any) -> ChatReply:
        asked.append(request)
        return ChatReply("answer = 42", "m")

    question, out = Question("q", "What?", "python", WRONG), tmp_path / "rows.jsonl"
    with pytest.raises(InvalidRequestError, match="trust_code"):
        await collect([question], [ModelSpec("m", "local")], ask, out)
    assert not asked
    await collect([question], [ModelSpec("m", "local")], ask, out, trust_code=True)
    assert json.loads(out.read_text())["score"] == 1
