"""Markdown in panels, in the notebook's own colours and sizes."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from autopicker_lab.chat.markdown import markdown_html

if TYPE_CHECKING:
    from collections.abc import Sequence

# widgets make lines as high as buttons, and a heading of a file must not outshout those of the notebook
_STYLE = """<style>.autopicker-md{line-height:1.45}.autopicker-md :is(h1,h2,h3,h4){font-size:1.1em;margin:.8em 0 .3em}
.autopicker-md :is(td,th){border:1px solid #76767680;padding:.15em .5em}.autopicker-md table{border-collapse:collapse}
.autopicker-md pre{overflow:auto;padding:.5em;border:1px solid #76767680}.autopicker-md math{font-size:1.1em}</style>"""


class GrowingMarkdown:
    """Markdown that comes piece by piece, as HTML that is made so rarely that all of it costs what a few times do.

    What came since stands behind it as it was written, until it is a twentieth of the text or the text ends.
    """

    def __init__(self) -> None:
        self._length, self._html = 0, ""

    def html(self, text: str) -> str:
        """The HTML of what came so far."""
        tail = len(text) - self._length
        if tail < 0 or not self._length or 20 * tail > len(text):
            self._length, self._html = len(text), to_html(text)
            return self._html
        rest = f"<span style='white-space:pre-wrap'>{escape(text[self._length :])}</span>" if tail else ""
        return self._html + rest


def to_html(text: str, stops: Sequence[int] = ()) -> str:
    """Convert Markdown with tables and formulas to HTML, as markdown_html does."""
    return f"{_STYLE}<div class='autopicker-md'>{markdown_html(text, stops)}</div>"
