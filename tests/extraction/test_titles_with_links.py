"""Titles of parts and places: the words of a heading, without the addresses it links to."""

import pytest

from autopicker_lab.core import SourceFile
from autopicker_lab.extraction import extract


@pytest.mark.parametrize(
    ("heading", "label"),
    [
        ("## The [harbour](harbour.html) in winter", "The harbour in winter"),
        ("## [![A boat](boat.png)](boats/all_(old).html)", "A boat"),
        ('## fn [moor](boat.html "moors it")(rope) #', "fn moor(rope)"),
        ("## Notes [1] and (2)", "Notes [1] and (2)"),
        ("## [](empty.html)", "[](empty.html)"),
        ("[The harbour](harbour.html)\n---", "The harbour"),
        ("## " + "[a](b" * 500, "[a](b" * 500),
    ],
)
def test_a_label_is_a_heading_without_addresses(heading: str, label: str) -> None:
    document = extract(SourceFile("a.md", f"{heading}\n\nText\n".encode(), "md"))
    assert [part.label for part in document.parts] == [label]
    assert document.metadata["headings"] == [label]
    assert document.parts[0].text.startswith(heading)


def test_labels_of_pages_have_no_addresses() -> None:
    page = b"<h1><a href='home.html'>Harbour</a> office</h1><p>Open all day</p>"
    (part,) = extract(SourceFile("a.html", page, "html")).parts
    assert part.label == "Harbour office"
    assert part.places[0].headings == ("Harbour office",)
