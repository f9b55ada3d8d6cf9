"""Pictures for tests of extraction."""

import io

from PIL import Image, ImageDraw


def page_of_text() -> bytes:
    """A PNG with so much text that reading it takes seconds."""
    page = Image.new("L", (2800, 2800), "white")
    pen = ImageDraw.Draw(page)
    for top in range(0, 2800, 14):
        pen.text((0, top), "the quick brown fox jumps over the lazy dog " * 12, fill="black")
    buffer = io.BytesIO()
    page.save(buffer, "PNG")
    return buffer.getvalue()
