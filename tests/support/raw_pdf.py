"""PDFs written object by object, for what no library writes: broken trees, layers, forms, annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HELVETICA = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"


def stream(content: str | bytes, entries: str = "") -> bytes:
    """A stream object with these entries in its dictionary."""
    data = content.encode("latin-1") if isinstance(content, str) else content
    return b"<<%b/Length %d>>\nstream\n%b\nendstream" % (entries.encode(), len(data), data)


def show(text: str, x: int = 60, y: int = 700, size: int = 12) -> str:
    """Operators that show a line of text in the font F."""
    return f"BT /F {size} Tf {x} {y} Td ({text}) Tj ET\n"


def assemble(objects: Mapping[int, str | bytes], root: int = 1) -> bytes:
    """The bytes of a file with these objects, a table of them, and a trailer."""
    out = bytearray(b"%PDF-1.7\n")
    places: dict[int, int] = {}
    for number, body in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body.encode("latin-1") if isinstance(body, str) else body)
    start = len(out)
    size = max(objects) + 1
    out += b"xref\n0 1\n0000000000 65535 f \n"
    for number, place in places.items():
        out += b"%d 1\n%010d 00000 n \n" % (number, place)
    out += b"trailer\n<</Size %d/Root %d 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, root, start)
    return bytes(out)


def document(
    contents: Sequence[str | bytes],
    *,
    catalog: str = "",
    page: str = "",
    resources: str = "",
    more: Mapping[int, str | bytes] | None = None,
) -> bytes:
    """A file of one page for each content; entries of its catalog, pages and resources, and objects from 20 on.

    The catalog is object 1, the root of the page tree 2, the font 3; pages are 4, 6, 8 and so on.
    """
    kids = " ".join(f"{4 + 2 * index} 0 R" for index in range(len(contents)))
    objects: dict[int, str | bytes] = {
        1: f"<</Type/Catalog/Pages 2 0 R{catalog}>>",
        2: f"<</Type/Pages/Kids[{kids}]/Count {len(contents)}>>",
        3: HELVETICA,
    }
    for index, content in enumerate(contents):
        number = 4 + 2 * index
        objects[number] = (
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {number + 1} 0 R"
            f"/Resources<</Font<</F 3 0 R>>{resources}>>{page}>>"
        )
        objects[number + 1] = stream(content)
    return assemble({**objects, **(more or {})})
