"""How often an upload is read for a request: its record once, its bytes only where nothing that is kept will do."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.gateway import model
from support.serving import serving
from support.upstream import upstream

from autopicker_lab import Settings, Workbench
from autopicker_lab.core import SourceFile
from autopicker_lab.extraction import open_source
from autopicker_lab.service import create_app
from autopicker_lab.storage import FileStore, KeyFile


class Reads:
    """Reads of a FileStore since the last `take`."""

    def __init__(self, store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths: list[Any] = []
        cat_file = store._fs.cat_file

        def count(path: Any, *rest: Any, **options: Any) -> Any:
            self.paths.append(path)
            return cat_file(path, *rest, **options)

        monkeypatch.setattr(store._fs, "cat_file", count)

    def take(self) -> Any:
        """(records, blobs)"""
        paths, self.paths = self.paths, []
        return sum("/files/" in path for path in paths), sum("/blobs/" in path for path in paths)


@contextmanager
def service(tmp_path: Path, up: Any, **fields: Any) -> Iterator[Any]:
    """The service on a folder that another worker has put uploads into, and its Workbench."""
    models = (model(up.url, **fields),)
    lab = Workbench(Settings.load(models=models, autopicker_home=tmp_path, cache_ttl=60, rate_limit_requests=10_000))
    with serving(create_app(lab)) as base:
        yield base, lab


def ask(base: Any, file_id: Any, question: str = "Hello", **headers: Any) -> Any:
    body = {"messages": [{"role": "user", "content": question}], "file_ids": [file_id, file_id]}
    answer = httpx.post(f"{base}/v1/chat/multimodal", json=body, headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize("keyed", [False, True])
def test_a_record_is_read_once_and_the_bytes_only_where_the_document_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keyed: bool
) -> None:
    headers, owner = {}, ""
    if keyed:
        secret, key = KeyFile(tmp_path / "keys.json").create("app")
        headers, owner = {"x-api-key": secret}, key.id
    with upstream() as up, service(tmp_path, up) as (base, lab):
        file = FileStore(lab.settings.uploads_url).put(open_source(b"The code is 4711.", "note.txt"), owner)
        reads = Reads(lab.files, monkeypatch)
        ask(base, file.id, **headers)
        assert reads.take() == (1, 1)
        ask(base, file.id, "Hello again", **headers)
        assert reads.take() == (1, 0)
        assert ask(base, file.id, "Hello again", **headers).headers["x-cache"] == "HIT"
        assert reads.take() == (1, 0)
        assert httpx.get(f"{base}/v1/files/{file.id}/content", headers=headers).json()["text"] == "The code is 4711."
        assert reads.take() == (1, 0)
        assert [str(body).count("4711") for body in up.bodies] == [1, 1]


@pytest.mark.parametrize(("capabilities", "blobs"), [(("text", "images"), 1), (("text",), 0)])
def test_a_picture_is_fetched_for_the_model_that_sees_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, samples: Path, capabilities: Any, blobs: int
) -> None:
    with upstream() as up, service(tmp_path, up, capabilities=capabilities) as (base, lab):
        picture = FileStore(lab.settings.uploads_url).put(open_source(samples / "sign.jpg"))
        ask(base, picture.id)
        reads = Reads(lab.files, monkeypatch)
        ask(base, picture.id, "Hello again")
        assert reads.take() == (1, blobs)
        assert ("data:image/jpeg;base64," in str(up.bodies[-1])) == bool(blobs)


async def test_files_are_never_hashed_on_the_event_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []
    digest = SourceFile.__dict__["sha256"].func

    def record(file: Any) -> Any:
        threads.append(threading.get_ident())
        return digest(file)

    monkeypatch.setattr(SourceFile.__dict__["sha256"], "func", record)
    async with Workbench(Settings.load(autopicker_home=tmp_path)) as lab:
        await lab.reader.attach(open_source(b"some text", "a.txt"))
        stored = FileStore(lab.settings.uploads_url).put(open_source(b"other text", "b.txt"))
        threads.pop()  # by `put`, which the service calls in a thread
        await lab.reader.attach_upload(stored, lab.files.load)
    assert len(threads) == 2
    assert threading.get_ident() not in threads
