"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from autopicker_lab.core import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Of all processes, one at a time runs such a block for a folder: to change a file that it read before.

    Raises:
        OSError: the folder cannot be opened.
    """
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks: as before, whoever writes last is right
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def atomic_write(path: str | Path, *, mode: int | None = None, name: str = "") -> Iterator[Path]:
    """A scratch file that becomes `path` when the block has ended, and is gone where it fails.

    Args:
        mode: permissions of the file, which has them before it has content; None: the system's default.
        name: what an error calls the file; "": its path.

    Raises:
        StorageError: the disk is full, the folder missing, or the like.
    """
    target = Path(path).expanduser()
    scratch = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
    try:
        if mode is not None:
            scratch.touch(mode)
        yield scratch
        scratch.replace(target)
    except OSError as error:
        if error.errno is None:  # not the system's: a time limit of what was to be written, say
            raise
        raise StorageError.of(error, name or path) from None
    finally:
        with suppress(OSError):
            scratch.unlink()
