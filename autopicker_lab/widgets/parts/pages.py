"""Thumbnails of a file's pages or sheets, to turn to one of them."""

from __future__ import annotations

import base64
import io
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import anywidget
import traitlets

from autopicker_lab.core import AutopickerError, Document, SourceFile, Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PIL.Image import Image

_THUMBNAIL = (84, 110)  # pixels
_ROWS, _COLUMNS, _CELL = 24, 6, (86, 20)  # of a sheet's picture; a cell in pixels


class Pages(anywidget.AnyWidget):
    """A column of thumbnails with labels; `chosen` is the index of the one that was clicked, from 0."""

    _esm = Path(__file__).parent / "static" / "pages.js"
    labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    pictures = traitlets.List(traitlets.Unicode()).tag(sync=True)
    chosen = traitlets.Int(0).tag(sync=True)
    _current: tuple[Sequence[str], Mapping[int, bytes]] = ((), {})

    def show(self, labels: Sequence[str], pictures: Mapping[int, bytes]) -> None:
        """Show labels, and as many pictures (PNG, by index) as there are so far."""
        if (labels, pictures) == self._current:
            return
        self._current = (labels, pictures)
        self.labels = list(labels)
        self.pictures = [_data_url(_thumbnail(pictures.get(i, b""))) for i in range(len(labels))]


def page_pictures(file: SourceFile, document: Document, parts: Sequence[int], width: int) -> list[bytes]:
    """Draw several parts of a file in the process that reads it; see page_picture."""
    return [page_picture(file, document, part, width) for part in parts]


def page_picture(file: SourceFile, document: Document, part: int, width: int) -> bytes:
    """Draw a page, the beginning of a sheet, or the picture itself, as PNG; b"" where there is nothing to see."""
    try:
        image = _image(file, document, part, width)
    except (AutopickerError, RuntimeError, IndexError):  # a damaged page has text, perhaps, but no picture
        return b""
    return _png(image) if image is not None else b""


def _data_url(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode() if png else ""


@lru_cache(maxsize=512)
def _thumbnail(png: bytes) -> bytes:
    """Scale a picture down to stand in a column of many."""
    from PIL import Image

    if not png:
        return b""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.thumbnail(_THUMBNAIL)
    return _png(image)


def _image(file: SourceFile, document: Document, part: int, width: int) -> Image | None:
    if file.kind == "pdf":
        from autopicker_lab.extraction.pdf import page_image

        return page_image(file, part, width)
    if file.category == "image":
        from autopicker_lab.extraction.image import open_image, to_rgb

        image = to_rgb(open_image(file))
        image.thumbnail((width, 4 * width))
        return image
    if file.category == "spreadsheet" and document.parts[part].tables:
        return _sheet(document.parts[part].tables[0])
    return None


def _sheet(table: Table) -> Image:
    """Draw the upper left corner of a sheet."""
    from PIL import Image, ImageDraw

    rows = [list(row[:_COLUMNS]) for row in table.rows[:_ROWS]]
    wide, high = _CELL
    image = Image.new("RGB", (wide * max(map(len, rows), default=1) + 1, high * len(rows) + 1), "white")
    draw = ImageDraw.Draw(image)
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            box = (x * wide, y * high, (x + 1) * wide, (y + 1) * high)
            draw.rectangle(box, fill="#eef3f7" if y == 0 else "white", outline="#b0b0b0")
            draw.text((box[0] + 4, box[1] + 4), "" if cell is None else str(cell)[:13], fill="black")
    return image


def _png(image: Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
