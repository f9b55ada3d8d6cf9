"""SQLite files that several workers write, opened so that all of them may begin at the same moment."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING, Literal

from autopicker_lab.runtime.private_files import make_private_file, make_private_folder

if TYPE_CHECKING:
    from pathlib import Path

_AGAIN_S = 0.01


def open_shared_database(
    path: Path, busy_s: float, isolation_level: Literal["DEFERRED"] | None = "DEFERRED"
) -> sqlite3.Connection:
    """Open a file for this user alone, for any thread, with a write-ahead log; made where there is none.

    A power cut may take what was written last; the file stays whole.

    Args:
        path: the file.
        busy_s: seconds to wait while another worker writes; up to twice as long on opening it.
        isolation_level: as that of sqlite3.connect.

    Raises:
        sqlite3.Error: if it cannot be opened, or somebody else holds it for longer.
        OSError: if it cannot be made.
    """
    make_private_folder(path.parent)
    make_private_file(path)
    db = sqlite3.connect(path, busy_s, isolation_level=isolation_level, check_same_thread=False)
    try:
        _log_ahead(db, time.monotonic() + busy_s)
        db.execute("PRAGMA synchronous=NORMAL")
    except sqlite3.Error:
        db.close()
        raise
    return db


def _log_ahead(db: sqlite3.Connection, deadline: float) -> None:
    """Write ahead. Of two that ask a new file for it at once SQLite refuses one without waiting."""
    while True:
        try:
            db.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(_AGAIN_S)
