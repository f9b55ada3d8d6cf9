"""The folder of uploads on any fsspec file system; on this machine's own, for the user of the service alone."""

from __future__ import annotations

from pathlib import Path

from autopicker_lab.core import SettingsError, StorageError
from autopicker_lab.core.addresses import secrets_in, without_secrets
from autopicker_lab.runtime.atomic_write import atomic_write
from autopicker_lab.runtime.private_files import is_regular, make_private_folder, restrict_folder


class UploadFolder:
    """Reads and writes files by their path in the folder. On a local disk no symbolic link is followed.

    Args:
        url: an fsspec URL.
        parts: the folders in it.
    """

    def __init__(self, url: str, *parts: str):
        from fsspec.core import url_to_fs
        from fsspec.implementations.local import LocalFileSystem

        try:
            self.fs, root = url_to_fs(url, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            hint = "give an fsspec URL; for s3:// pip install 'autopicker-lab[s3]'"
            why = without_secrets(str(error), [url, *secrets_in(url)])
            raise SettingsError(f"STORAGE_URL: {why}", hint) from None
        self.root = root.rstrip("/")
        self.is_local = isinstance(self.fs, LocalFileSystem)
        for part in parts:
            self._make(part)

    def path(self, part: str, name: str) -> str:
        """Where a file of one of the folders is."""
        return f"{self.root}/{part}/{name}"

    def names(self, part: str) -> list[str]:
        """Names of the files in one of the folders."""
        try:
            paths = self.fs.ls(f"{self.root}/{part}", detail=False)
        except FileNotFoundError:  # an object store has no empty folders
            return []
        return [path.rsplit("/", 1)[-1] for path in paths]

    def has(self, path: str) -> bool:
        """Whether there is such a file."""
        return is_regular(path) if self.is_local else bool(self.fs.exists(path))

    def read(self, path: str) -> bytes:
        """The bytes of a file; FileNotFoundError where there is none."""
        if self.is_local and not is_regular(path):
            raise FileNotFoundError(path)
        data: bytes = self.fs.cat_file(path)
        return data

    def write(self, path: str, data: bytes) -> None:
        """Write whole or not at all, as an object store does by itself; StorageError does not name the path."""
        if self.is_local:
            with atomic_write(path, mode=0o600, name="an upload") as scratch:
                scratch.write_bytes(data)
            return
        try:
            self.fs.pipe_file(path, data)
        except OSError as error:
            raise StorageError.of(error, "an upload") from error

    def remove(self, path: str) -> None:
        """Remove a file, and of a link the link alone; FileNotFoundError where there is none."""
        self.fs.rm_file(path)

    def _make(self, part: str) -> None:
        if not self.is_local:
            self.fs.makedirs(f"{self.root}/{part}", exist_ok=True)
            return
        folder = Path(self.root, part)
        if folder.is_symlink():
            raise SettingsError(f"STORAGE_URL: '{folder}' is a symbolic link", "name the folder itself")
        try:
            make_private_folder(folder)
        except OSError as error:
            raise StorageError.of(error, folder) from None
        restrict_folder(folder)
