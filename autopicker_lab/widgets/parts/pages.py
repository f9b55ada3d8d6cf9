"""A file's pages or sheets: thumbnails to turn to one of them, and its picture, which can be enlarged."""

from __future__ import annotations

import base64
import io
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import anywidget
import traitlets

from autopicker_lab.core import AutopickerError, Document, SourceFile, Table
from autopicker_lab.extraction.marking import mark_boxes, page_of, to_png

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PIL.Image import Image

    from autopicker_lab.core.places import Box

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


class PagePicture(anywidget.AnyWidget):
    """The picture of a page as PNG, with buttons that enlarge it; `alt` says what it is of."""

    _esm = Path(__file__).parent / "static" / "page.js"
    # the theme's labels of tabs that are not chosen are too pale to be read
    _css = ".autopicker-panel .lm-TabBar-tabLabel{color:var(--jp-ui-font-color0,inherit)}"
    value = traitlets.Bytes(b"").tag(sync=True)
    alt = traitlets.Unicode("").tag(sync=True)


def page_pictures(file: SourceFile, document: Document, parts: Sequence[int], width: int) -> list[bytes]:
    """Draw several parts of a file in the process that reads it; see page_picture."""
    return [page_picture(file, document, part, width) for part in parts]


def page_picture(file: SourceFile, document: Document, part: int, width: int) -> bytes:
    """Draw a page, the beginning of a sheet, or the picture itself, as PNG; b"" where there is nothing to see."""
    try:
        image = _image(file, document, part, width)
    except AutopickerError:
        return b""
    return to_png(image) if image is not None else b""


@lru_cache(maxsize=32)
def _marked(png: bytes, boxes: tuple[Box, ...]) -> bytes:
    from PIL import Image

    return to_png(mark_boxes(Image.open(io.BytesIO(png)), boxes))


def mark_picture(png: bytes, boxes: Sequence[Box]) -> bytes:
    """A picture of a page with boxes marked on it."""
    return _marked(png, tuple(boxes))


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
    return to_png(image)


def _image(file: SourceFile, document: Document, part: int, width: int) -> Image | None:
    one = document.parts[part]
    if file.category == "spreadsheet":
        return _sheet(one.tables[0]) if one.tables else None
    return page_of(file, next((place.page for place in one.places if place.page is not None), part + 1), width)


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
