"""Uploads on any fsspec file system: bytes once by content, a small record for each upload."""

from __future__ import annotations

import json
import re
import time
import uuid
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import SettingsError, SourceFile, StorageError, UnknownFileError
from autopicker_lab.runtime.atomic_write import atomic_write

if TYPE_CHECKING:
    from collections.abc import Callable

    from autopicker_lab.core import Format

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True)
class StoredFile:
    """The record of an upload, without its bytes.

    Attributes:
        size: bytes.
        sha256: of the bytes, under which they are kept.
        created_at: Unix seconds.
        owner: the id of the API key that sent it; "" where access is open.
        purpose: what OpenAI's clients say that they will use it for; "" where nobody said.
    """

    id: str
    name: str
    kind: str
    media_type: str
    size: int
    sha256: str
    created_at: float
    warnings: tuple[str, ...] = ()
    owner: str = ""
    purpose: str = ""


class FileStore:
    """The uploads in a folder of any file system that fsspec knows.

    Safe to share between threads, processes and machines: whoever forgets the last upload of some bytes while they
    are sent again elsewhere puts them back.

    Args:
        url: an fsspec URL of a folder (file:///..., memory://..., s3://... with autopicker-lab[s3]).
        installed_format: the format of a kind that another package reads, None for other kinds. A record keeps the
            kind alone, so files of such formats have no category without it.
    """

    def __init__(self, url: str, installed_format: Callable[[str], Format | None] = lambda _: None):
        from fsspec.core import url_to_fs
        from fsspec.implementations.local import LocalFileSystem

        try:
            self._fs, root = url_to_fs(url, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            hint = "give an fsspec URL; for s3:// pip install 'autopicker-lab[s3]'"
            raise SettingsError(f"STORAGE_URL: {error}", hint) from None
        self._installed_format = installed_format
        self._root = root.rstrip("/")
        self._is_local = isinstance(self._fs, LocalFileSystem)
        self._fs.makedirs(f"{self._root}/blobs", exist_ok=True)
        self._fs.makedirs(f"{self._root}/files", exist_ok=True)

    def __repr__(self) -> str:
        return f"FileStore({self._root!r})"

    def put(self, file: SourceFile, owner: str = "", purpose: str = "") -> StoredFile:
        """Keep a file; the record is written after its bytes, so that it always has them."""
        record = StoredFile(
            id=str(uuid.uuid4()),
            name=file.name,
            kind=file.kind,
            media_type=file.media_type,
            size=file.size,
            sha256=file.sha256,
            created_at=round(time.time(), 3),
            warnings=file.warnings,
            owner=owner,
            purpose=purpose,
        )
        blob = self._blob(file.sha256)
        if not self._fs.exists(blob):
            self._write(blob, file.data)
        self._write(self._record(record.id), json.dumps(asdict(record)).encode())
        if not self._fs.exists(blob):  # forgotten elsewhere, before the record was there to be seen
            self._write(blob, file.data)
        return record

    def get(self, file_id: str) -> StoredFile:
        """The record of an upload; UnknownFileError names the id."""
        if not isinstance(file_id, str) or not _ID.fullmatch(file_id.lower()):
            raise _unknown_file(file_id)
        try:
            raw: dict[str, Any] = json.loads(self._fs.cat_file(self._record(file_id.lower())))
        except FileNotFoundError:
            raise _unknown_file(file_id) from None
        return StoredFile(**{**raw, "warnings": tuple(raw["warnings"])})

    def open(self, file_id: str) -> SourceFile:
        """The file itself; UnknownFileError names the id."""
        return self.load(self.get(file_id))

    def load(self, record: StoredFile) -> SourceFile:
        """The file of a record; UnknownFileError where it was deleted since."""
        for pause_s in (0.05, 0.2, None):  # it may just be put back
            try:
                data = self._fs.cat_file(self._blob(record.sha256))
            except FileNotFoundError:
                if pause_s is None:
                    raise _unknown_file(record.id) from None
                time.sleep(pause_s)
            else:
                break
        return SourceFile(record.name, data, record.kind, record.warnings, format=self._installed_format(record.kind))

    def list(self) -> list[StoredFile]:
        """All records, oldest first."""
        try:
            paths = self._fs.ls(f"{self._root}/files", detail=False)
        except FileNotFoundError:  # an object store has no empty folders
            return []
        ids = [path.rsplit("/", 1)[-1].removesuffix(".json") for path in paths if path.endswith(".json")]
        records = []
        for file_id in ids:
            try:
                records.append(self.get(file_id))
            except UnknownFileError:
                continue  # deleted since it was listed
        return sorted(records, key=lambda record: record.created_at)

    def delete(self, file_id: str) -> None:
        """Forget an upload, and its bytes once no other upload has them."""
        record = self.get(file_id)
        blob = self._blob(record.sha256)
        try:
            self._fs.rm_file(self._record(record.id))
            if self._in_use(record.sha256):
                return
            data = self._fs.cat_file(blob)
            self._fs.rm_file(blob)
        except FileNotFoundError:  # another forgot it at the same moment
            return
        if self._in_use(record.sha256):  # sent again in between
            self._write(blob, data)

    def _in_use(self, sha256: str) -> bool:
        return any(record.sha256 == sha256 for record in self.list())

    def _blob(self, sha256: str) -> str:
        return f"{self._root}/blobs/{sha256}"

    def _record(self, file_id: str) -> str:
        return f"{self._root}/files/{file_id}.json"

    def _write(self, path: str, data: bytes) -> None:
        """Write whole or not at all, as an object store does by itself; StorageError does not name the path."""
        if self._is_local:
            with atomic_write(path, name="an upload") as scratch:
                scratch.write_bytes(data)
            return
        try:
            self._fs.pipe_file(path, data)
        except OSError as error:
            raise StorageError.of(error, "an upload") from error


class OwnedFiles:
    """The uploads of one API key, with the methods of FileStore: those of others are unknown to it.

    Args:
        owner: the key's id.
    """

    def __init__(self, store: FileStore, owner: str):
        self._store = store
        self._owner = owner

    def put(self, file: SourceFile, *, purpose: str = "") -> StoredFile:
        """Keep a file as the key's own."""
        return self._store.put(file, self._owner, purpose)

    def get(self, file_id: str) -> StoredFile:
        """The record of an upload; UnknownFileError for another's."""
        record = self._store.get(file_id)
        if record.owner != self._owner:
            raise _unknown_file(file_id)
        return record

    def open(self, file_id: str) -> SourceFile:
        """The file itself; UnknownFileError for another's."""
        return self._store.load(self.get(file_id))

    def list(self) -> list[StoredFile]:
        """The key's own records, oldest first."""
        return [record for record in self._store.list() if record.owner == self._owner]

    def delete(self, file_id: str) -> None:
        """Forget an upload; UnknownFileError for another's."""
        self._store.delete(self.get(file_id).id)


def _unknown_file(file_id: object) -> UnknownFileError:
    return UnknownFileError(f"no file with id '{file_id}'", "upload it first: POST /api/v1/upload", param="file_ids")
