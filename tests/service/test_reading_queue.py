"""Files that are hard to read keep nobody else's out."""

import asyncio
import io
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
import httpx
import pytest
from support.serving import serving
from support.upstream import soon

from autopicker_lab import Settings, Workbench
from autopicker_lab.core import CorruptFileError, ModelBusyError
from autopicker_lab.extraction import extract
from autopicker_lab.service import create_app
from autopicker_lab.storage import KeyFile

SLOW = b"// a comment\n" + b"{" * 3_000_000  # 3 MB that the parser of JavaScript ponders for seconds


@pytest.fixture
def keyed(tmp_path: Path) -> Iterator[Any]:
    """A service that reads in processes, its Workbench, and the keys of two callers."""
    keys = KeyFile(tmp_path / "keys.json")
    callers = [keys.create(name)[0] for name in ("a", "b")]
    settings = Settings.load(autopicker_home=tmp_path, rate_limit_requests=10_000, models=())
    with Workbench(settings, isolate=True) as lab, serving(create_app(lab)) as base:
        yield base, lab, callers


def upload(base: str, key: str, name: str, data: bytes) -> httpx.Response:
    return httpx.post(f"{base}/v1/upload", files={"file": (name, data)}, headers={"x-api-key": key}, timeout=240)


@pytest.mark.fault("one caller uploads many files that take long to read", "the file of another is read meanwhile")
@pytest.mark.slow
def test_another_callers_small_file_is_read_while_one_sends_slow_ones(keyed: Any) -> None:
    base, lab, (busy, other) = keyed
    done: list[int] = []
    slow = [
        threading.Thread(
            target=lambda i=i: done.append(upload(base, busy, f"{i}.js", SLOW[:1_000_000] + b"%d" % i).status_code)
        )
        for i in range(6)
    ]
    for thread in slow:
        thread.start()
    assert soon(lambda: lab.reader._reading.length == 6)
    answer = upload(base, other, "notes.txt", b"Hello")
    finished_before = len(done)
    assert answer.status_code == 200
    assert finished_before < 3, "it waited for those of the other"
    for thread in slow:
        thread.join()
    assert set(done) == {200}


@pytest.mark.fault("a client sends a file that takes long to read, and leaves", "reading it ends; it holds no place")
@pytest.mark.slow
def test_a_file_that_nobody_waits_for_is_not_read(keyed: Any) -> None:
    base, lab, (busy, _) = keyed
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{base}/v1/upload",
            files={"file": ("a.js", SLOW)},
            headers={"x-api-key": busy},
            timeout=httpx.Timeout(30, read=0.7),
        )
    assert soon(lambda: lab.reader._reading.length == 0, 3)
    assert lab.files.list() == []


def test_more_files_than_may_wait_are_refused_as_busy(lab: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = lab.reader
    monkeypatch.setattr(reader._reading, "_max_waiting", 4)

    async def slow(file: Any) -> Any:
        await asyncio.sleep(0.2)
        return extract(file)

    monkeypatch.setattr(reader, "_extract", slow)

    async def rush() -> list[Any]:
        from autopicker_lab.extraction import open_source

        files = [open_source(f"text {time.time()} {i}".encode(), f"{i}.txt") for i in range(9)]
        return await asyncio.gather(*(reader.read(file) for file in files), return_exceptions=True)

    results = asyncio.run(rush())
    assert any(isinstance(result, ModelBusyError) for result in results)
    assert any(not isinstance(result, BaseException) for result in results)


def _docx(body: bytes) -> bytes:
    plain, packed = io.BytesIO(), io.BytesIO()
    docx.Document().save(plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename == "word/document.xml":
                data = data.replace(b"<w:sectPr", body + b"<w:sectPr", 1)
            out.writestr(entry.filename, data)
    return packed.getvalue()


@pytest.mark.fault("a DOCX of 30 kB unpacks to millions of paragraphs", "it is refused within a second")
@pytest.mark.parametrize(
    "body",
    [
        b"<w:p/>" * 3_000_000,
        b"<w:p><w:r><w:t>a</w:t></w:r></w:p>" * 500_000,
        b"".join(b'<w:p w:rsidR="%08x"/>' % (i * 2654435761 % 2**32) for i in range(1_100_000)),  # hard to pack
    ],
)
def test_a_document_of_too_many_elements_is_refused(body: bytes) -> None:
    with pytest.raises(CorruptFileError, match=r"elements|unpacks"):
        extract(_docx(body), name="bomb.docx")
    assert extract(_docx(b"<w:p><w:r><w:t>fine</w:t></w:r></w:p>" * 100), name="a.docx").text.count("fine") == 100
