"""Office files that were cut off, or whose directory is damaged, are read as far as they can be unpacked."""

import io
import zipfile
import zlib
from pathlib import Path

import pytest

from autopicker_lab.core import CorruptFileError
from autopicker_lab.extraction import extract
from autopicker_lab.extraction.archives import is_broken, mended_archive

WARNING = "the file is cut off or damaged: what could still be unpacked was read"


@pytest.mark.parametrize("name", ["minutes.docx", "passengers.xlsx"])
class TestOfficeFiles:
    def test_a_file_that_was_cut_off_gives_what_came(self, samples: Path, name: str) -> None:
        whole = (samples / name).read_bytes()
        text = extract(whole, name=name).text
        for share in (0.9, 0.95, 0.99):
            document = extract(whole[: int(share * len(whole))], name=name)
            assert WARNING in document.warnings
            assert document.text.split("\n")[0] == text.split("\n")[0]
            assert len(document.text) > 0.8 * len(text)

    def test_a_broken_directory_loses_nothing(self, samples: Path, name: str) -> None:
        whole = (samples / name).read_bytes()
        expected = extract(whole, name=name)
        for at in (whole.rfind(b"PK\x01\x02"), whole.rfind(b"PK\x05\x06") + 18):
            broken = bytearray(whole)
            broken[at] ^= 0x7F
            document = extract(bytes(broken), name=name)
            assert (document.text, document.warnings) == (expected.text, (WARNING, *expected.warnings))

    def test_nothing_to_unpack_is_refused(self, samples: Path, name: str) -> None:
        with pytest.raises(CorruptFileError):
            extract((samples / name).read_bytes()[:100], name=name)


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def contents(data: bytes | None) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data or b"")) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_entries_are_found_without_the_directory_and_not_those_of_archives_in_them(method: int) -> None:
    members = {"a": b"one" * 5000, "b": zipped({"inner": b"x"}), "c": b"last"}
    data = zipped(members, method)
    assert not is_broken(data)
    cut = data[: int.from_bytes(data[-6:-2], "little")]  # where the directory begins
    assert is_broken(cut)
    assert contents(mended_archive(cut, 2**20)) == members


def test_a_damaged_entry_gives_its_beginning() -> None:
    content = b"".join(zlib.compress(bytes([i]))[:9] for i in range(200)) * 40
    data = bytearray(zipped({"a": content, "b": b"second"}))
    data[len(data) // 2 : len(data) // 2 + 40] = b"\xff" * 40
    found = contents(mended_archive(bytes(data), 2**20))
    assert found["a"][:500] == content[:500]
    assert found["b"] == b"second"


def test_what_is_unpacked_is_bounded() -> None:
    bomb = zipped({f"m{i}": bytes(2**22) for i in range(5)})
    assert sum(map(len, contents(mended_archive(bomb, 2**20)).values())) <= 2**20
