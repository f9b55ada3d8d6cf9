"""PDF: a broken detail refuses nothing else, and what was mended or lost is said."""

import re
from typing import Any

import pytest
from support.raw_pdf import document, show, stream

from autopicker_lab.core import CorruptFileError
from autopicker_lab.extraction import extract

PAGES = [show(f"Page {number} of the log book") for number in ("one", "two", "three")]
WHOLE = document(PAGES)


def read(data: bytes) -> Any:
    return extract(data, name="a.pdf")


def pages(found: Any) -> list[str]:
    return re.findall(r"Page (one|two|three) of the log book", found.text)


@pytest.mark.parametrize("count", ["1", "0", "-3", "7", "900000"])
def test_all_pages_come_whatever_their_count_says(count: str) -> None:
    found = read(WHOLE.replace(b"/Count 3", b"/Count %b" % count.encode()))
    assert pages(found) == ["one", "two", "three"]


def test_pages_without_a_type_or_below_wrongly_counted_branches_come() -> None:
    assert pages(read(WHOLE.replace(b"/Type/Page/", b"/"))) == ["one", "two", "three"]
    tree = WHOLE.replace(b"/Kids[4 0 R 6 0 R 8 0 R]/Count 3", b"/Kids[20 0 R 8 0 R]/Count 1").replace(
        b"xref\n", b"20 0 obj\n<</Type/Pages/Parent 2 0 R/Kids[4 0 R 6 0 R]/Count 1>>\nendobj\nxref\n", 1
    )
    assert pages(read(tree)) == ["one", "two", "three"]


def test_a_page_tree_in_a_circle_ends() -> None:
    found = read(WHOLE.replace(b"/Kids[4 0 R 6 0 R 8 0 R]/Count 3", b"/Kids[4 0 R 6 0 R 2 0 R]/Count 3"))
    assert pages(found)[:2] == ["one", "two"]


def test_a_wrong_count_is_said() -> None:
    found = read(WHOLE.replace(b"/Count 3", b"/Count 1"))
    assert found.warnings == ("the file counts 1 pages, but has 3",)
    assert not read(WHOLE).warnings


@pytest.mark.parametrize("cut", [0.95, 0.9, 0.8])
def test_a_file_that_ends_too_early_is_read_as_far_as_it_goes(cut: float) -> None:
    found = read(WHOLE[: int(len(WHOLE) * cut)])
    assert pages(found)[:1] == ["one"]
    assert any("ends too early" in warning or "damaged" in warning for warning in found.warnings)


def test_a_file_without_its_catalog_is_read_from_its_pages() -> None:
    found = read(re.sub(rb"(?s)1 0 obj.*?endobj\n", b"", WHOLE, count=1))
    assert pages(found) == ["one", "two", "three"]
    assert "damaged" in found.warnings[0]


def test_junk_before_and_after_a_file_and_a_wrong_table_do_no_harm() -> None:
    assert pages(read(b"HTTP/1.1 200 OK\r\n\r\n" + WHOLE + b"\0" * 3000)) == ["one", "two", "three"]
    assert pages(read(b"Received: by mail\r\n" * 300 + WHOLE)) == ["one", "two", "three"]
    assert pages(read(re.sub(rb"startxref\n\d+", b"startxref\n7", WHOLE))) == ["one", "two", "three"]


def test_half_a_surrogate_pair_in_a_title_bookmark_or_label_refuses_nothing() -> None:
    broken = "<FEFF0041D800>"
    data = document(
        PAGES[:1],
        catalog=f"/Outlines 20 0 R/PageLabels<</Nums[0<</P {broken}>>]>>",
        more={
            20: "<</First 21 0 R/Count 1>>",
            21: f"<</Title {broken}/Parent 20 0 R/Next 21 0 R>>",
            22: f"<</Title {broken}>>",
        },
    ).replace(b"/Root 1 0 R", b"/Root 1 0 R/Info 22 0 R")
    found = read(data)
    assert found.metadata["title"] == found.metadata["outline"][0] == "A\ufffd"
    assert found.parts[0].label == "page A\ufffd"


def test_page_labels_in_a_circle_end_no_process() -> None:
    for labels in ("20 0 R", "<</Kids[20 0 R]>>"):
        found = read(document(PAGES, catalog=f"/PageLabels {labels}", more={20: "<</Kids[20 0 R]>>"}))
        assert [part.label for part in found.parts] == ["page 1", "page 2", "page 3"]
    tree = "<</Kids[<</Nums[0<</S/r>>]/Limits[0 0]>>]>>"
    assert read(document(PAGES, catalog=f"/PageLabels {tree}")).parts[1].label == "page ii"


def test_a_lost_page_takes_no_other_with_it() -> None:
    for lost in (b"99 0 R", b"null"):
        found = read(WHOLE.replace(b"/Kids[4 0 R 6 0 R 8 0 R]/Count 3", b"/Kids[4 0 R %b 6 0 R 8 0 R]/Count 4" % lost))
        assert pages(found) == ["one", "two", "three"]
        found = read(WHOLE.replace(b"/Kids[4 0 R 6 0 R 8 0 R]/Count 3", b"/Kids[4 0 R %b 6 0 R 8 0 R]/Count 3" % lost))
        assert pages(found) == ["one", "two", "three"]
        assert found.warnings


def test_a_file_without_its_header_is_read() -> None:
    assert pages(read(WHOLE.replace(b"%PDF-1.7", b""))) == ["one", "two", "three"]
    assert pages(read(WHOLE.replace(b"%PDF-1.7", b"%pdf-1.7"))) == ["one", "two", "three"]


def test_layers_that_cannot_be_made_out_are_read_and_said() -> None:
    found = read(document(PAGES, catalog="/OCProperties<</OCGs 99/D[1 2 3]>>"))
    assert pages(found) == ["one", "two", "three"]


def test_what_holds_no_page_is_refused() -> None:
    with pytest.raises(CorruptFileError):
        read(b"%PDF-1.7\n1 0 obj\n" + stream("nothing") + b"\nendobj\n")
