"""Folders of files: results as they finish, errors as rows, stopping, other formats and schedulers."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.pictures import page_of_text

from autopicker_lab.core import Document, Format, InvalidRequestError, Part, UnsupportedFileError
from autopicker_lab.extraction import FormatReader, extract, extract_many, formats, open_source, registry
from autopicker_lab.extraction.many import write_table

COMMAND = [sys.executable, "-c", "from autopicker_lab.cli import main; main()"]


@pytest.fixture
def folder(samples: Path, tmp_path: Path) -> Any:
    place = tmp_path / "files"
    (place / "below").mkdir(parents=True)
    for name in ("report.pdf", "minutes.docx", "notes.txt", "stations.csv"):
        shutil.copy(samples / name, place / name)
    shutil.copy(samples / "handbook.md", place / "below" / "handbook.md")
    (place / "broken.docx").write_bytes(b"PK\x03\x04 no archive")
    (place / "unknown.xyz").write_bytes(b"\x00\x01\x02")
    (place / ".hidden.txt").write_text("not read")
    return place


@pytest.mark.slow
def test_results_are_what_one_file_gives_and_errors_are_rows(folder: Any) -> None:
    progress_calls = []
    results = {
        result.path.name: result
        for result in extract_many([folder], jobs=2, progress=lambda done, total: progress_calls.append((done, total)))
    }
    readable = {p.name for p in folder.rglob("*.*") if p.is_file() and not p.name.startswith(".")} - {"unknown.xyz"}
    assert set(results) == readable
    assert results["report.pdf"].document == extract(folder / "report.pdf")
    assert results["handbook.md"].path == folder / "below" / "handbook.md"
    assert type(results["broken.docx"].error).__name__ == "CorruptFileError"
    assert progress_calls == [(i, 6) for i in range(1, 7)]
    (unsupported,) = extract_many([folder / "unknown.xyz"], jobs=1)  # not in a folder, but asked for
    assert type(unsupported.error).__name__ == "UnsupportedFileError"


def test_a_path_where_nothing_is_stops_before_anything_runs(folder: Any) -> None:
    with pytest.raises(InvalidRequestError, match="no file at"):
        extract_many([folder, folder / "missing"])


def test_a_progress_that_answers_false_stops(folder: Any) -> None:
    results = list(extract_many([folder], jobs=1, progress=lambda done, total: done < 2))
    assert len(results) == 2


def test_closing_the_results_ends_the_workers(folder: Any) -> None:
    results: Any = extract_many([folder], jobs=1)
    next(results)
    started_at = time.monotonic()
    results.close()
    assert time.monotonic() - started_at < 20


@pytest.mark.slow
def test_a_file_that_takes_too_long_does_not_stop_the_rest(folder: Any) -> None:
    (folder / "page.png").write_bytes(page_of_text())
    results = {r.path.name: r for r in extract_many([folder], jobs=1, timeout_s=2.5)}
    assert "took longer than 2.5 s" in str(results["page.png"].error)
    assert results["notes.txt"].document is not None


def test_another_scheduler_gives_the_same(folder: Any) -> None:
    with ThreadPoolExecutor(2) as threads:
        on_threads = {r.path: r.document for r in extract_many([folder], scheduler=threads)}
    on_processes = {r.path: r.document for r in extract_many([folder], jobs=2)}
    assert on_threads == on_processes


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_a_table_of_a_folder(folder: Any, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out.{suffix}"
    assert write_table(extract_many([folder], jobs=2), out) == 6
    table = pd.read_parquet(out) if suffix == "parquet" else pd.read_json(out, lines=True)
    table.index = table["path"].str.rsplit("/", n=1).str[-1]
    assert table.loc["report.pdf", "text"] == extract(folder / "report.pdf").text
    assert table.loc["report.pdf", "parts"][1]["label"] == "page 2"
    tables: Any = table.loc["report.pdf", "tables"]
    assert (json.loads(tables) if suffix == "parquet" else tables)[0][1][0] == "North Quay"
    assert "damaged archive" in table.loc["broken.docx", "error"]
    assert not list(tmp_path.glob("*.part"))


def test_a_table_of_another_suffix_is_refused_and_nothing_is_left(folder: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="parquet"):
        write_table(iter(()), tmp_path / "out.xlsx")
    assert not list(tmp_path.glob("out*"))


def autopicker(*arguments: Any) -> Any:
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.slow
def test_the_command_reads_a_folder(folder: Any, tmp_path: Path) -> None:
    done = autopicker("extract", folder, "--out", tmp_path / "out.parquet", "--jobs", 2)
    assert done.returncode == 1  # one file could not be read
    assert f"6 files, 1 of them not read: {tmp_path / 'out.parquet'}" in done.stdout
    assert done.stderr.count(f"autopicker: {folder / 'broken.docx'}: 'broken.docx' is a damaged archive") == 1
    assert len(pd.read_parquet(tmp_path / "out.parquet")) == 6


@pytest.mark.slow
def test_a_folder_without_a_file_that_can_be_read_is_said(tmp_path: Path) -> None:
    done = autopicker("extract", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no file to read" in done.stderr


def test_a_script_without_a_guard_is_told_what_is_missing(folder: Any, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        f"from autopicker_lab.extraction import extract_many\nlist(extract_many([{str(folder)!r}], jobs=1))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "__main__" in done.stderr.strip().split("\n")[-1]


@pytest.mark.slow
def test_a_run_that_is_stopped_keeps_what_it_has(folder: Any, tmp_path: Path) -> None:
    for i in range(3000):
        shutil.copy(folder / "notes.txt", folder / f"{i:04}.txt")
    out = tmp_path / "out.jsonl"
    command = [*COMMAND, "extract", str(folder), "--out", str(out), "--jobs", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for _ in range(400):
        if any(part.stat().st_size for part in tmp_path.glob("out.jsonl.*.part")):
            break
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "3006 files were read, and are kept" in errors
    assert 0 < len(out.read_text().splitlines()) < 3000


def test_another_package_brings_a_format(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def read_rtf(file: Any) -> Any:
        return Document(file.name, file.kind, (Part("text", file.data.decode().strip("{}")),))

    reader = FormatReader(Format("rtf", "document", "application/rtf", (".rtf",)), read_rtf)
    entry = type("Entry", (), {"name": "rtf", "load": lambda self: reader})()
    broken = type("Entry", (), {"name": "odt", "load": lambda self: 1 / 0})()
    clear_registry()
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [broken, entry] if "formats" in group else [])
    try:
        assert "rtf" in formats()
        source = open_source(b"{Hello}", "a.rtf")
        assert (source.media_type, source.category) == ("application/rtf", "document")
        document = extract(source)
        assert (document.kind, document.text) == ("rtf", "Hello")
        assert extract(b"hello", name="a.txt").text == "hello"
        assert registry.broken_entry_points() == {"odt": "ZeroDivisionError: division by zero"}
        with pytest.raises(UnsupportedFileError, match="json, rtf"):
            open_source(b"\x00\x01", "a.xyz")
    finally:
        clear_registry()


def clear_registry() -> None:
    for cached in (registry._load_entry_points, registry.reader_of):
        cached.cache_clear()


def test_odd_names_and_half_characters_do_not_spoil_the_table(tmp_path: Path) -> None:
    place = tmp_path / "files"
    place.mkdir()
    (place / "half.json").write_text('{"\\ud800": 1}')
    (place / os.fsdecode(b"caf\xe9.txt")).write_text("hello")
    for suffix in ("jsonl", "parquet"):
        assert write_table(extract_many([place], jobs=1), tmp_path / f"out.{suffix}") == 2
    with pytest.raises(InvalidRequestError, match="no folder"):
        write_table(iter(()), tmp_path / "missing" / "out.jsonl")
