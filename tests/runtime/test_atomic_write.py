"""Files written whole or not at all."""

import os
import stat

import pytest

from autopicker_lab.core import StorageError
from autopicker_lab.runtime.atomic_write import atomic_write


def test_a_file_has_its_old_content_until_the_new_is_whole(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(UnicodeEncodeError), atomic_write(target) as scratch:
        scratch.write_text("half\ud800", "utf-8")
    assert target.read_text() == "old"
    with atomic_write(target) as scratch:
        scratch.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_secret_file_is_never_open_to_others(tmp_path):
    with atomic_write(tmp_path / "keys", mode=0o600) as scratch:
        assert stat.S_IMODE(scratch.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o600


def test_a_failure_names_the_path_or_what_it_is_told(tmp_path):
    with pytest.raises(StorageError, match="missing/a"), atomic_write(tmp_path / "missing" / "a") as scratch:
        scratch.write_text("")
    with (
        pytest.raises(StorageError, match="cannot write 'an upload'"),
        atomic_write("/nowhere/a", name="an upload") as s,
    ):
        s.write_text("")
