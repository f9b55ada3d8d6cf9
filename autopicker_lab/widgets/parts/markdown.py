"""Markdown as HTML that is safe to show: a model's answer, or a file's text."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"]).disable("image")


def to_html(text: str) -> str:
    """CommonMark with tables as HTML; tags in the text are shown as text, and no picture is fetched."""
    return f"<div class='autopicker-md'>{_parser().render(text)}</div>"
