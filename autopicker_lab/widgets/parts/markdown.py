"""Markdown, such as a model's answer or a file's text, as HTML that is safe to show."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

# widgets make lines as high as buttons, and a heading of a file must not outshout those of the notebook
_STYLE = """<style>.autopicker-md{line-height:1.45}.autopicker-md :is(h1,h2,h3,h4){font-size:1.1em;margin:.8em 0 .3em}
.autopicker-md :is(td,th){border:1px solid #76767680;padding:.15em .5em}.autopicker-md table{border-collapse:collapse}
.autopicker-md pre{overflow:auto;padding:.5em;border:1px solid #76767680}</style>"""


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"]).disable("image")


def to_html(text: str) -> str:
    """Convert CommonMark with tables to HTML; tags in the text are shown as text, and no picture is fetched."""
    return f"{_STYLE}<div class='autopicker-md'>{_parser().render(text)}</div>"
