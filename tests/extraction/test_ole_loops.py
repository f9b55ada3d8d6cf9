"""A container whose chains of sectors come back to themselves is told, in time by its size."""

import struct
from contextlib import suppress
from pathlib import Path

import pytest

from autopicker_lab.core import AutopickerError
from autopicker_lab.extraction import extract
from autopicker_lab.extraction.sheets.ole_chains import leads_astray


@pytest.fixture
def workbook(samples: Path) -> bytearray:
    return bytearray((samples / "fares.xls").read_bytes())


def first_fat(data: bytearray) -> int:
    """Where the first table of sectors begins."""
    return int((struct.unpack_from("<I", data, 76)[0] + 1) * 512)


def test_a_sound_container_has_no_loop(workbook: bytearray) -> None:
    assert not leads_astray(bytes(workbook))


@pytest.mark.parametrize("at", [0, 1, 3])
@pytest.mark.parametrize("following", [0, 1])
def test_a_loop_is_found_and_the_file_read_or_refused(workbook: bytearray, at: int, following: int) -> None:
    struct.pack_into("<I", workbook, first_fat(workbook) + 4 * at, at - following if at >= following else at)
    assert leads_astray(bytes(workbook))
    with suppress(AutopickerError):
        extract(bytes(workbook), name="a.xls")


def test_a_chain_of_tables_that_loops_or_names_more_than_the_file_holds_is_none_to_follow(workbook: bytearray) -> None:
    around = bytearray(workbook)
    struct.pack_into("<I", around, 68, 0)  # the list of tables goes on in sector 0 ...
    struct.pack_into("<I", around, 512 + 508, 0)  # ... and from there in sector 0
    assert leads_astray(bytes(around))
    many = bytearray(workbook)
    struct.pack_into("<109I", many, 76, *[0] * 109)
    assert leads_astray(bytes(many))


def test_a_short_or_odd_head_is_none_to_follow(workbook: bytearray) -> None:
    assert leads_astray(b"\xd0\xcf\x11\xe0")
    struct.pack_into("<H", workbook, 30, 31)
    assert leads_astray(bytes(workbook))


@pytest.mark.parametrize("at", [40, 44, 64, 72])
def test_a_count_of_more_tables_than_the_file_holds_reserves_no_memory(workbook: bytearray, at: int) -> None:
    struct.pack_into("<I", workbook, at, 0xFFFFFF00)
    assert leads_astray(bytes(workbook))
    with suppress(AutopickerError):
        extract(bytes(workbook), name="a.xls")


@pytest.mark.parametrize("share", [0.6, 0.8, 0.95])
def test_a_workbook_that_was_cut_off_is_read_from_where_it_begins(workbook: bytearray, share: float) -> None:
    whole = extract(bytes(workbook), name="fares.xls")
    document = extract(bytes(workbook[: int(share * len(workbook))]), name="fares.xls")
    assert document.text == whole.text
    assert any("damaged" in warning for warning in document.warnings)
