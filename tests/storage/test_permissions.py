"""What is kept is for the user of the service alone; uploads expire and are bounded, and links are not followed."""

import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.gateway import gateway
from support.upstream import soon, upstream

from autopicker_lab.core import FileTooLargeError, SettingsError, UnknownFileError
from autopicker_lab.extraction import open_source
from autopicker_lab.runtime.private_files import make_private_file, make_private_folder, restrict
from autopicker_lab.storage import FileStore, KeyFile, OwnedFiles

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture(params=[0o000, 0o022, 0o077], autouse=True)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def loose(folder: Path) -> list[str]:
    """What others than its owner may do something with, in a folder and of it."""
    return [str(p) for p in (folder, *folder.rglob("*")) if stat.S_IMODE(p.lstat().st_mode) & 0o077]


def use(home: Path) -> None:
    """A service that keeps one of each thing."""
    secret, _ = KeyFile(home / "keys.json").create("app", budget_usd=5)
    with upstream() as up, gateway(up, autopicker_home=home, decision_log=home / "log.sqlite") as base:
        headers = {"x-api-key": secret}
        assert httpx.post(f"{base}/v1/upload", files={"file": ("a.txt", b"hello")}, headers=headers).is_success
        answer = httpx.post(f"{base}/v1/chat/completions", json={"messages": HELLO}, headers=headers)
        feedback = {"request_id": answer.json()["id"], "score": 1}
        assert httpx.post(f"{base}/v1/feedback", json=feedback, headers=headers).is_success
        assert soon((home / "spending.sqlite").exists)
        assert loose(home) == []


@pytest.mark.fault("folders and databases of the service on a machine of many users", "700 and 600, old ones too")
def test_what_is_kept_is_for_its_user_alone(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"
    use(home)
    for path in (home, *home.rglob("*")):  # as an earlier version left it
        path.chmod(0o755 if path.is_dir() else 0o644)
    (home / "keys.json").unlink()
    use(home)


def test_an_old_database_is_taken_from_others(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    sqlite3.connect(path).execute("CREATE TABLE a (b)")
    path.chmod(0o644)
    make_private_file(path)
    assert loose(path) == []


def test_shared_places_stay_as_they_are(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    make_private_folder(shared / "home")
    restrict(shared)
    assert stat.S_IMODE(shared.stat().st_mode) == 0o1777
    assert loose(shared / "home") == []


@pytest.mark.fault("a symbolic link in the folder of uploads", "it is neither read nor written through")
def test_no_link_is_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the code is 4711")
    store = FileStore(f"file://{tmp_path}/up")
    record = store.put(open_source(b"hello", "a.txt"))
    blob = Path(store._blob(record.sha256))
    blob.unlink()
    blob.symlink_to(secret)
    with pytest.raises(UnknownFileError):
        store.open(record.id)
    again = store.put(open_source(b"hello", "a.txt"))
    assert store.open(again.id).data == b"hello"
    assert secret.read_text() == "the code is 4711"
    other = Path(store._record(record.id))
    other.rename(tmp_path / "record")
    other.symlink_to(tmp_path / "record")
    with pytest.raises(UnknownFileError):
        store.get(record.id)
    assert [r.id for r in store.list()] == [again.id]
    Path(store._blob(again.sha256)).unlink()
    os.mkfifo(store._blob(again.sha256))
    with pytest.raises(UnknownFileError):
        store.open(again.id)
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "blobs").symlink_to(tmp_path)
    with pytest.raises(SettingsError, match="symbolic link"):
        FileStore(f"file://{tmp_path}/linked")


@pytest.mark.parametrize("damage", ["{", "[]", "null", '{"id": 1}', '{"warnings": []}'])
def test_a_record_that_none_of_ours_wrote_is_passed_over(tmp_path: Path, damage: str) -> None:
    store = FileStore(f"file://{tmp_path}/up")
    bad, good = (store.put(open_source(b"hello", "a.txt")) for _ in range(2))
    Path(store._record(bad.id)).write_text(damage)
    assert [r.id for r in store.list()] == [good.id]
    with pytest.raises(UnknownFileError):
        store.get(bad.id)


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_uploads_expire(tmp_path: Path, kind: str) -> None:
    url = f"file://{tmp_path}/up" if kind == "file" else f"memory://{tmp_path.name}-{time.time()}"
    keeping, store = FileStore(url), FileStore(url, ttl_s=0.5)
    old = [store.put(open_source(data, "a.txt")) for data in (b"old", b"both")]
    time.sleep(0.6)
    new = store.put(open_source(b"both", "b.txt"))
    assert store.list() == [new]
    with pytest.raises(UnknownFileError):
        store.get(old[0].id)
    assert (store.expire(), store.expire()) == (2, 0)
    assert keeping.list() == [new]
    assert store.open(new.id).data == b"both"
    assert not store._fs.exists(store._blob(old[0].sha256))


@pytest.mark.fault("an upload past UPLOAD_TTL", "404, and its bytes are removed")
def test_the_service_forgets_what_is_old(tmp_path: Path) -> None:
    with upstream() as up, gateway(up, autopicker_home=tmp_path, upload_ttl=1) as base:
        sent = httpx.post(f"{base}/v1/upload", files={"file": ("a.txt", b"hello")}).json()["id"]
        assert soon(lambda: httpx.get(f"{base}/v1/files/{sent}").status_code == 404, 10)
        assert soon(lambda: not list((tmp_path / "uploads" / "blobs").iterdir()), 10)


@pytest.mark.fault("a key that uploads without end", "413 past UPLOAD_QUOTA; other keys have their own")
def test_each_key_has_a_quota(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.json")
    mine, theirs = ({"x-api-key": file.create(name)[0]} for name in ("mine", "theirs"))
    with upstream() as up, gateway(up, autopicker_home=tmp_path, upload_quota=100) as base:

        def send(headers: dict[str, str], size: int) -> httpx.Response:
            return httpx.post(f"{base}/v1/upload", files={"file": ("a.txt", b"a" * size)}, headers=headers)

        assert [send(mine, size).status_code for size in (60, 60, 40)] == [200, 413, 200]
        assert "UPLOAD_QUOTA" in send(mine, 1).json()["detail"]
        assert send(theirs, 100).status_code == 200
        first = httpx.get(f"{base}/v1/files", headers=mine).json()["files"][0]["id"]
        assert httpx.delete(f"{base}/v1/files/{first}", headers=mine).is_success
        assert send(mine, 60).status_code == 200


def test_a_quota_holds_for_uploads_at_once(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    stores = [OwnedFiles(FileStore(f"file://{tmp_path}/up"), "mine", 100) for _ in range(2)]

    def send(number: int) -> Any:
        try:
            return stores[number % 2].put(open_source(b"%02d" % number * 20, "a.txt"))
        except FileTooLargeError:
            return None

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(16)))
    assert sum(record.size for record in stores[0].list()) <= 100
