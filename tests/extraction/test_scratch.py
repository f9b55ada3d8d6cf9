"""Temporary files of the processes that read: inside a folder of their own, and gone after a kill."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from autopicker_lab.core import ExtractionLimitError
from autopicker_lab.extraction import ExtractionPool
from autopicker_lab.runtime.scratch import ScratchFolder, sweep


def leave_behind(then: str) -> str:
    """Write temporary files as a careless library would, and end in some way; the folder they are in."""
    Path(tempfile.mkdtemp(), "page.png").write_bytes(b"x")
    Path(os.environ["TMPDIR"], "other").write_bytes(b"x")
    if then == "hang":
        time.sleep(60)
    if then == "die":
        os._exit(7)
    return tempfile.gettempdir()


def eventually_gone(*patterns: tuple[Path, str]) -> bool:
    for _ in range(200):
        if not any(list(folder.glob(pattern)) for folder, pattern in patterns):
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.skipif(sys.platform == "win32", reason="no locks of folders there")
class TestPool:
    def test_files_are_gone_after_each_job_after_a_kill_and_at_the_end(self, temporary: Path) -> None:
        with ExtractionPool(timeout_s=5, workers=1) as pool:
            folder = Path(pool.run("a", leave_behind, "return").result())
            assert temporary in folder.parents
            assert list(folder.iterdir()) == []
            with pytest.raises(ExtractionLimitError, match="ended its process"):
                pool.run("a", leave_behind, "die").result()
            assert eventually_gone((folder.parent, "*/*"))
            future = pool.run("a", leave_behind, "hang")
            for _ in range(400):
                if list(folder.parent.glob("*/other")):
                    break
                time.sleep(0.01)
            future.cancel()
            assert eventually_gone((folder.parent, "*/*"))
        assert list(temporary.iterdir()) == []

    def test_what_a_killed_parent_left_is_swept_by_the_next(self, temporary: Path) -> None:
        code = (
            "import time; from autopicker_lab.runtime.scratch import ScratchFolder\n"
            "outer = ScratchFolder('autopicker-read-'); inner = ScratchFolder('worker-', outer.path)\n"
            "(inner.path / 'left').touch(); print('ready', flush=True); time.sleep(60)"
        )
        environment = {**os.environ, "TMPDIR": str(temporary)}
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment) as other:
            assert other.stdout is not None
            assert other.stdout.readline().strip() == b"ready"
            sweep(temporary, "autopicker-read-")
            assert len(list(temporary.glob("*/*/left"))) == 1  # it is in use
            other.send_signal(signal.SIGKILL)
        ScratchFolder("autopicker-read-").close()
        assert list(temporary.iterdir()) == []

    def test_links_and_files_of_that_name_are_left_alone(self, temporary: Path) -> None:
        precious = temporary / "precious"
        precious.mkdir()
        (precious / "file").touch()
        (temporary / "autopicker-read-link").symlink_to(precious)
        (temporary / "autopicker-read-file").touch()
        sweep(temporary, "autopicker-read-")
        assert (precious / "file").exists()
        assert (temporary / "autopicker-read-file").exists()
