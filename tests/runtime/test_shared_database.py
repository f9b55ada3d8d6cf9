"""SQLite files that several workers open at once."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest

from autopicker_lab.runtime.shared_database import open_shared_database

WORKERS = 6


def test_workers_that_begin_at_the_same_moment_all_open_a_new_file(tmp_path: Path) -> None:
    together = Barrier(WORKERS)

    def begin(path: Path) -> str:
        together.wait()
        with closing(open_shared_database(path, 30)) as db:
            db.execute("CREATE TABLE IF NOT EXISTS seen (x)")
            return str(db.execute("PRAGMA journal_mode").fetchone()[0])

    with ThreadPoolExecutor(WORKERS) as pool:
        for i in range(30):
            assert set(pool.map(begin, [tmp_path / f"{i}" / "a.sqlite"] * WORKERS)) == {"wal"}


def test_a_file_that_somebody_holds_and_one_that_is_none_are_refused_and_closed(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("CREATE TABLE a (x)")
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            open_shared_database(path, 0.05)
        holder.execute("ROLLBACK")
    (tmp_path / "b.sqlite").write_text("no database at all, whatever its name says " * 50)
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        open_shared_database(tmp_path / "b.sqlite", 30)
