"""Passages shown where they stand: their boxes on the picture of the page, in a notebook without any widget."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING

from autopicker_lab.core.show import ORANGE, html_text
from autopicker_lab.extraction.sniff import open_source
from autopicker_lab.extraction.wrapped import bare_picture

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from PIL.Image import Image

    from autopicker_lab.core import Part, ReadOptions, SourceFile
    from autopicker_lab.core.places import Box

_MARGIN = 0.004  # shares of the page around a box


@dataclass(frozen=True)
class MarkedPassage:
    """A passage, and pictures (PNG) of the pages that it is from, by page number, on which it is marked."""

    passage: Part
    pictures: dict[int, bytes]

    def _repr_html_(self) -> str:
        title = f"<div style='font-weight:600;line-height:1.4'>{escape(self.passage.title)}</div>"
        pages = "".join(
            f"<img alt='page {number} with the passage marked' style='max-width:100%;border:1px solid #767676' "
            f"src='data:image/png;base64,{base64.b64encode(picture).decode()}'>"
            for number, picture in self.pictures.items()
        )
        return title + pages + html_text(self.passage.text)


def mark(
    source: str | Path | bytes | SourceFile,
    passage: Part,
    *,
    name: str | None = None,
    options: ReadOptions | None = None,
    width: int = 700,
) -> MarkedPassage:
    """Show a passage of `Document.chunks`, or a whole Part, on the pages of its file: the last line of a cell.

    A file that has no pages to draw, or a passage without places, gives the passage's text alone.

    Args:
        source: the file that the Document was read from, as `extract` takes it.
        width: of a picture, pixels.
    """
    file = open_source(source, name)
    file = file if options is None else replace(file, options=options)
    boxes: dict[int, list[Box]] = {}
    for place in passage.places:
        if place.page is not None:
            boxes.setdefault(place.page, []).extend([place.box] if place.box else [])
    images = {number: page_of(file, number, width) for number in boxes}
    pictures = {number: to_png(mark_boxes(image, boxes[number])) for number, image in images.items() if image}
    return MarkedPassage(passage, pictures)


def page_of(file: SourceFile, number: int, width: int) -> Image | None:
    """The picture of a page, or the picture itself, about `width` pixels wide; None where there is none to draw.

    Args:
        number: of the page, from 1.
    """
    if file.kind == "pdf":
        from autopicker_lab.extraction.pdf import page_image

        try:
            return page_image(file, number - 1, width)
        except (RuntimeError, IndexError):  # pdfium cannot draw what another library could still read
            return None
    if file.category == "image":
        from autopicker_lab.extraction.raster import open_image
        from autopicker_lab.extraction.seen import to_rgb

        image = to_rgb(open_image(bare_picture(file))[0])
        image.thumbnail((width, 4 * width))
        return image
    return None


def mark_boxes(image: Image, boxes: Iterable[Box]) -> Image:
    """The picture with boxes, in shares of its sides, washed over and framed."""
    from PIL import Image as Images
    from PIL import ImageDraw

    wash = Images.new("RGBA", image.size)
    draw = ImageDraw.Draw(wash)
    for left, top, right, bottom in boxes:
        edges = (left - _MARGIN, top - _MARGIN, right + _MARGIN, bottom + _MARGIN)
        corners = [edge * side for edge, side in zip(edges, 2 * image.size, strict=True)]
        draw.rectangle(corners, fill=f"{ORANGE}40", outline=ORANGE, width=2)
    return Images.alpha_composite(image.convert("RGBA"), wash).convert("RGB")


def to_png(image: Image) -> bytes:
    """The picture as PNG."""
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
