"""Folders for the temporary files of processes that may be killed: what nobody holds any more is removed."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: folders are removed when they are closed only
    fcntl = None  # type: ignore[assignment]


class ScratchFolder:
    """A new folder that is locked for as long as its process lives, so that `sweep` knows when it is left over."""

    def __init__(self, prefix: str, parent: Path | None = None):
        """Make it in `parent`, by default the system's temporary folder, where left ones of that prefix are removed."""
        parent = parent or Path(tempfile.gettempdir())
        sweep(parent, prefix)
        unlocked = tempfile.mkdtemp(prefix=".scratch-", dir=parent)  # of a name that no sweep looks at
        lock = _lock(unlocked)
        self.path = parent / (prefix + Path(unlocked).name.removeprefix(".scratch-"))
        Path(unlocked).rename(self.path)
        self._finish = weakref.finalize(self, _remove, str(self.path), lock)

    def clear(self) -> None:
        """Remove what is in it."""
        with suppress(OSError), os.scandir(self.path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    with suppress(OSError):
                        Path(entry.path).unlink()

    def use(self) -> None:
        """Let this process, and the libraries in it, write their temporary files there."""
        tempfile.tempdir = os.environ["TMPDIR"] = str(self.path)

    def close(self) -> None:
        """Remove it; done when it is forgotten, and when the process ends, as well."""
        self._finish()


def sweep(parent: Path, prefix: str) -> None:
    """Remove the folders of that prefix in `parent` whose process has ended, of whichever run."""
    if fcntl is None:
        return
    for path in parent.glob(f"{prefix}*"):
        if (lock := _lock(str(path))) is not None:
            _remove(str(path), lock)


def _lock(path: str) -> int | None:
    """A descriptor that holds the lock of a folder of this user; None where another process holds it."""
    if fcntl is None:
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        if os.fstat(descriptor).st_uid != os.getuid():
            raise PermissionError
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _remove(path: str, lock: int | None) -> None:
    shutil.rmtree(path, ignore_errors=True)
    if lock is not None:
        with suppress(OSError):
            os.close(lock)
