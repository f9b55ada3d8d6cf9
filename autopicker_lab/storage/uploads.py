"""Uploads on any fsspec file system: bytes once by content, a small record for each upload."""

from __future__ import annotations

import json
import re
import time
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import FileTooLargeError, SourceFile, UnknownFileError
from autopicker_lab.storage.upload_folder import UploadFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from autopicker_lab.core import Format

_BLOBS, _RECORDS = "blobs", "files"
_AT_ONCE = 100  # uploads that are forgotten in one go, their bytes being in memory for a moment
_SHA256 = re.compile(r"[0-9a-f]{64}")
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
        ttl_s: seconds after which an upload is unknown, and `expire` forgets it; 0: never.
    """

    def __init__(
        self, url: str, installed_format: Callable[[str], Format | None] = lambda _: None, *, ttl_s: float = 0
    ):
        self._folder = UploadFolder(url, _BLOBS, _RECORDS)
        self._fs, self._root, self._is_local = self._folder.fs, self._folder.root, self._folder.is_local
        self._installed_format = installed_format
        self._ttl_s = ttl_s

    def __repr__(self) -> str:
        return f"FileStore({self._root!r})"

    def put(self, file: SourceFile, owner: str = "", purpose: str = "", quota: int = 0) -> StoredFile:
        """Keep a file; the record is written after its bytes, so that it always has them.

        Args:
            quota: bytes that all uploads of the owner may have; 0: no bound.

        Raises:
            FileTooLargeError: they would have more.
        """
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
        if quota and file.size > quota:
            raise _over_quota(file.size, quota)
        if not self._folder.has(blob):
            self._folder.write(blob, file.data)
        self._folder.write(self._record(record.id), json.dumps(asdict(record)).encode())
        if not self._folder.has(blob):  # forgotten elsewhere, before the record was there to be seen
            self._folder.write(blob, file.data)
        if quota:  # once it can be seen: of two at the same time both count both
            used = sum(other.size for other in self.list() if other.owner == owner)
            if used > quota:
                self.delete(record.id)
                raise _over_quota(used, quota)
        return record

    def get(self, file_id: str) -> StoredFile:
        """The record of an upload; UnknownFileError names the id."""
        if not isinstance(file_id, str) or not _ID.fullmatch(file_id.lower()):
            raise _unknown_file(file_id)
        record = self._read_record(file_id.lower())
        if record is None or self._is_expired(record):
            raise _unknown_file(file_id)
        return record

    def open(self, file_id: str) -> SourceFile:
        """The file itself; UnknownFileError names the id."""
        return self.load(self.get(file_id))

    def load(self, record: StoredFile) -> SourceFile:
        """The file of a record; UnknownFileError where it was deleted since."""
        for pause_s in (0.05, 0.2, None):  # it may just be put back
            try:
                data = self._folder.read(self._blob(record.sha256))
            except FileNotFoundError:
                if pause_s is None:
                    raise _unknown_file(record.id) from None
                time.sleep(pause_s)
            else:
                break
        return SourceFile(record.name, data, record.kind, record.warnings, format=self._installed_format(record.kind))

    def list(self) -> list[StoredFile]:
        """All records, oldest first."""
        return [record for record in self._records() if not self._is_expired(record)]

    def delete(self, file_id: str) -> None:
        """Forget an upload, and its bytes once no other upload has them."""
        self._forget([self.get(file_id)])

    def expire(self) -> int:
        """Forget the uploads that are older than they may be: how many."""
        old = [record for record in self._records() if self._is_expired(record)]
        for start in range(0, len(old), _AT_ONCE):
            self._forget(old[start : start + _AT_ONCE])
        return len(old)

    def _forget(self, records: Sequence[StoredFile]) -> None:
        for record in records:
            with suppress(FileNotFoundError):  # another forgot it at the same moment
                self._folder.remove(self._record(record.id))
        removed: dict[str, bytes] = {}
        for sha256 in {record.sha256 for record in records} - self._in_use():
            with suppress(FileNotFoundError):
                removed[sha256] = self._folder.read(self._blob(sha256))
                self._folder.remove(self._blob(sha256))
        for sha256 in removed.keys() & self._in_use() if removed else ():  # sent again in between
            self._folder.write(self._blob(sha256), removed[sha256])

    def _in_use(self) -> set[str]:
        return {record.sha256 for record in self._records()}

    def _records(self) -> Sequence[StoredFile]:
        """All records, oldest first, those that have expired among them."""
        ids = [name.removesuffix(".json") for name in self._folder.names(_RECORDS) if name.endswith(".json")]
        found = [self._read_record(file_id) for file_id in ids]
        return sorted([record for record in found if record is not None], key=lambda record: record.created_at)

    def _read_record(self, file_id: str) -> StoredFile | None:
        """A record; None for one that was deleted, or that none of ours wrote."""
        try:
            raw: dict[str, Any] = json.loads(self._folder.read(self._record(file_id)))
            record = StoredFile(**{**raw, "warnings": tuple(raw["warnings"])})
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None
        return record if _SHA256.fullmatch(record.sha256) else None

    def _is_expired(self, record: StoredFile) -> bool:
        return bool(self._ttl_s) and record.created_at + self._ttl_s < time.time()

    def _blob(self, sha256: str) -> str:
        return self._folder.path(_BLOBS, sha256)

    def _record(self, file_id: str) -> str:
        return self._folder.path(_RECORDS, f"{file_id}.json")


class OwnedFiles:
    """The uploads of one API key, with the methods of FileStore: those of others are unknown to it.

    Args:
        owner: the key's id.
        quota: bytes that its uploads may have in all; 0: no bound.
    """

    def __init__(self, store: FileStore, owner: str, quota: int = 0):
        self._store = store
        self._owner = owner
        self._quota = quota

    def put(self, file: SourceFile, *, purpose: str = "") -> StoredFile:
        """Keep a file as the key's own; FileTooLargeError past its quota."""
        return self._store.put(file, self._owner, purpose, self._quota)

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


def _over_quota(size: int, quota: int) -> FileTooLargeError:
    detail = f"the uploads of this key would have {size:,} bytes, over its UPLOAD_QUOTA of {quota:,}"
    return FileTooLargeError(detail, "delete some first: DELETE /api/v1/files/ID")
