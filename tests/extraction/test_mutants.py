"""Damaged files of every format are read or refused in our own words; and the trial notices what would be wrong."""

import socket
import tempfile
from pathlib import Path
from typing import Any

import pytest

from autopicker_lab.benchmark.mutants import Mutant, MutantReport, make_mutant, try_mutants
from autopicker_lab.benchmark.mutants.trial import MutantResult, read_mutant
from autopicker_lab.core import CorruptFileError, Document, Part
from autopicker_lab.extraction import extract


@pytest.mark.slow
def test_five_hundred_damaged_files_are_read_or_refused(samples: Path, tmp_path: Path) -> None:
    report = try_mutants(sorted(samples.iterdir()), 500, seed=17, hangs_s=120, keep=tmp_path / "kept")
    assert report.failures == []
    assert not (tmp_path / "kept").exists()
    assert report.files == 500
    read = {kind: outcomes["read"] for kind, outcomes in report.outcomes.items()}
    assert min(read.values()) > 0, read  # a mutation that no file survives tries nothing


def test_a_number_and_a_seed_decide_a_mutant(samples: Path) -> None:
    files = sorted(samples.iterdir())
    mutants = [make_mutant(files, number, seed=3) for number in range(60)]
    assert mutants == [make_mutant(files, number, seed=3) for number in range(60)]
    assert {mutant.sample.suffix for mutant in mutants} == {path.suffix for path in files}
    assert sum(mutant.data != mutant.sample.read_bytes() for mutant in mutants) > 50


def say_hello(_: Any) -> Document:
    with socket.socket() as end:
        end.connect_ex(("127.0.0.1", 9))
    raise ValueError("nobody is there")


def leave_a_file(file: Any) -> Document:
    tempfile.mkdtemp()
    return Document(file.name, file.kind, (Part("text", "x"),))


def write_elsewhere(file: Any) -> Document:
    Path.home().joinpath(".autopicker-mutant").touch()
    return Document(file.name, file.kind, (Part("text", "x"),))


def write_no_json(file: Any) -> Document:
    return Document(file.name, file.kind, (Part("text", "x"),), {"share": float("nan")})


def panic(_: Any) -> Document:
    class PanicException(BaseException):
        """What a panic of a Rust library is in Python."""

    raise PanicException("index out of range")


@pytest.mark.parametrize(
    ("reader", "outcome"),
    [
        (say_hello, "escape"),
        (leave_a_file, "left"),
        (write_elsewhere, "escape"),
        (write_no_json, "json"),
        (panic, "refused"),
    ],
)
def test_what_is_wrong_is_noticed(reader: Any, outcome: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "own"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "own").mkdir()
    monkeypatch.setattr("autopicker_lab.extraction.reader_of", lambda _: reader)
    result = read_mutant(b"text", "a.txt")
    assert result.outcome == outcome, result


def test_a_panic_of_a_rust_library_is_a_damaged_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autopicker_lab.extraction.reader_of", lambda _: panic)
    with pytest.raises(CorruptFileError, match="index out of range"):
        extract(b"text", name="a.txt")


def interrupt(_: Any) -> Document:
    raise KeyboardInterrupt


def test_an_interrupt_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autopicker_lab.extraction.reader_of", lambda _: interrupt)
    with pytest.raises(KeyboardInterrupt):
        extract(b"text", name="a.txt")


def test_failures_are_counted_by_format() -> None:
    report = MutantReport()
    for outcome in ("read", "refused", "hang"):
        report.add(Mutant(1, Path("a.pdf"), b""), MutantResult(outcome, "why"))
    assert report.outcomes["pdf"] == {"read": 1, "refused": 1, "hang": 1}
    assert report.failures == [("a-1.pdf", "hang", "why")]
