"""Folders and files that only the user of this process may read, whatever the umask."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

_FOLDER, _FILE = 0o700, 0o600
_BEYOND_OWNER = 0o077


def make_private_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, for this user alone; one that is there stays as it is."""
    for folder in reversed([path, *path.parents]):
        with suppress(FileExistsError):
            folder.mkdir(_FOLDER)


def make_private_file(path: Path) -> None:
    """Make an empty file for this user alone; of one that is there, take the rights of others.

    One that is there is not opened: with closing it, this process would lose the locks that SQLite holds on it
    (https://www.sqlite.org/howtocorrupt.html, 2.2), and what it writes from then on.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, _FILE))
    restrict(path)


def restrict(path: Path) -> None:
    """Take the rights of others from a file or folder of this user; shared places such as /tmp stay as they are."""
    if not hasattr(os, "getuid"):  # Windows has no such rights
        return
    with suppress(OSError):
        found = path.stat()
        shared = found.st_mode & stat.S_ISVTX or path in (Path.home(), Path("/"))
        if found.st_uid == os.getuid() and found.st_mode & _BEYOND_OWNER and not shared:
            path.chmod(stat.S_IMODE(found.st_mode) & ~_BEYOND_OWNER)


def restrict_folder(path: Path) -> None:
    """Take the rights of others from a folder of this user and, where they had any, from the files in it."""
    if not path.is_dir() or path.is_symlink() or not path.stat().st_mode & _BEYOND_OWNER:
        return
    for entry in path.iterdir():
        if entry.is_file() and not entry.is_symlink():
            restrict(entry)
    restrict(path)


def is_regular(path: str) -> bool:
    """Whether there is a file, and no link to one and no pipe."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False
