"""Markdown by a parser (pulldown-cmark): headings in any form, tables, front matter; the source stays word for word."""

from __future__ import annotations

import re
from contextlib import suppress
from html import unescape
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.core import Document, Part, SourceFile, Table
from autopicker_lab.core.places import line_place
from autopicker_lab.extraction.base64_data import leave_out_base64
from autopicker_lab.extraction.decoding import decode
from autopicker_lab.extraction.drawn_tables import drawn_tables
from autopicker_lab.extraction.markdown_blocks import markdown_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autopicker_lab.extraction.markdown_blocks import MarkdownBlock

_MAX_FRONT_MATTER = 500  # lines
_MAX_TITLE = 300
_MAX_BRACKETS = 200
_SIGNS = re.compile(r"^[-?: \t]*", re.MULTILINE)  # a level each at most, beside brackets
_TAGGED_HEADING = re.compile(r"<h([1-6])\b[^<>]*>((?:(?!</?h[1-6]\b).)*)</h\1\s*>", re.S | re.I)
_TAGGED_TABLE = re.compile(r"<(/?)table\b", re.I)
_TAG = re.compile(r"<[^<>]*>")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.S)
_ATTRIBUTES = re.compile(r"\s*\{:?\s*[#.][^{}\n]*\}\s*$")  # of a heading, as of Pandoc and kramdown: {#id .class}


class _Heading(NamedTuple):
    line: int  # from 0
    level: int
    title: str


def read_md(file: SourceFile) -> Document:
    """The text cut at its headings; encoding, title, headings, and what its front matter says as metadata."""
    text, encoding, warnings = decode(file.data)
    text, left_out = leave_out_base64(text)
    lines = text.split("\n")
    above = _front_matter_length(lines)
    front, said = _front_matter(lines[:above])
    if said and not lines[1].strip():  # two rules with text between them
        above, said = 0, ()
    blocks = list(markdown_blocks([""] * above + lines[above:]))
    headings = list(_headings(blocks, lines))
    titles = [heading.title for heading in headings]
    title = front.get("title")
    meta: dict[str, Any] = {
        "encoding": encoding,
        "title": title if isinstance(title, str) and title else titles[0] if titles else None,
        "headings": titles,
    }
    if front:
        meta["front_matter"] = front
    parts = tuple(_cut(lines, headings, list(_tables(blocks, text, lines))))
    return Document(file.name, file.kind, parts, meta, (*warnings, *left_out, *said))


def _front_matter_length(lines: Sequence[str]) -> int:
    """How many lines of keys and values stand between two rules at the beginning, the rules among them."""
    rule = lines[0].rstrip()
    if rule not in ("---", "+++"):
        return 0
    ends = (rule, "...") if rule == "---" else (rule,)
    found = (i for i, line in enumerate(lines[1:_MAX_FRONT_MATTER], 2) if line.rstrip() in ends)
    stop = next(found, 0)
    is_said = any(line.strip() and not line.startswith("#") for line in lines[1 : stop - 1])
    return stop if is_said else 0  # headings between two rules are comments to a parser of YAML


def _front_matter(lines: Sequence[str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What front matter says, as JSON can hold it, and a warning where it cannot be parsed."""
    if not lines:
        return {}, ()
    import tomllib

    import yaml

    inner = "\n".join(lines[1:-1])
    try:
        if lines[0].startswith("+++"):
            value: object = tomllib.loads(inner)
        elif "&" in inner or inner.count("[") + inner.count("{") > _MAX_BRACKETS:  # what can grow, or is nested deeply
            return {}, ("front matter with anchors or very many brackets was not parsed",)
        else:
            value = _yaml(inner)
    except (yaml.YAMLError, tomllib.TOMLDecodeError, RecursionError) as error:
        return {}, (f"front matter that cannot be parsed: {' '.join(str(error).split())[:100]}",)
    return ({str(key): _plain(item) for key, item in value.items()} if isinstance(value, dict) else {}), ()


def _yaml(text: str) -> object:
    """What YAML says, in texts alone."""
    import yaml

    fast = getattr(yaml, "CBaseLoader", None)
    if fast is not None and max(len(signs[0]) for signs in _SIGNS.finditer(text)) < _MAX_BRACKETS:
        with suppress(yaml.YAMLError):  # the other loader takes and says more
            return yaml.load(text, Loader=fast)  # depth without end would end the process
    return yaml.load(text, Loader=yaml.BaseLoader)


def _plain(value: object, depth: int = 4) -> Any:
    if isinstance(value, dict) and depth:
        return {str(key): _plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list) and depth:
        return [_plain(item, depth - 1) for item in value]
    return value if isinstance(value, str | int | bool) or value is None else str(value)


def _headings(blocks: Sequence[MarkdownBlock], lines: Sequence[str]) -> Iterator[_Heading]:
    """The headings that stand at the document's own level, also those of HTML."""
    for block in blocks:
        if block.depth:
            continue
        if block.kind == "heading":
            yield _Heading(block.first, block.level, _ATTRIBUTES.sub("", block.title) or block.title)
        elif block.kind == "html":
            html = _COMMENT.sub(lambda match: "\n" * match[0].count("\n"), "\n".join(lines[block.first : block.stop]))
            for match in _TAGGED_HEADING.finditer(html):
                if title := " ".join(unescape(_TAG.sub(" ", match[2])).split()):
                    yield _Heading(block.first + html.count("\n", 0, match.start()), int(match[1]), title[:_MAX_TITLE])


def _tables(blocks: Sequence[MarkdownBlock], text: str, lines: Sequence[str]) -> Iterator[tuple[int, Table]]:
    """Tables of Markdown, also within quotes and lists, drawn ones, and of HTML; each with its first line, from 0."""
    below = 0
    offsets: list[int] = []
    for block in blocks:
        if block.kind == "table":
            yield block.first, Table(block.rows)
        elif block.kind == "paragraph" and block.stop - block.first > 2:
            yield from ((block.first + i, table) for i, table in drawn_tables(lines[block.first : block.stop]))
        elif block.kind == "html" and block.first >= below:
            offsets = offsets or [0, *accumulate(len(line) + 1 for line in lines)]
            if "<table" not in text[offsets[block.first] : offsets[block.stop]].lower():
                continue
            start, stop = _tagged_table(text, offsets[block.first])
            below = block.first + text.count("\n", offsets[block.first], stop) + 1
            yield from ((block.first, table) for table in _html_tables(text[start:stop]))


def _tagged_table(text: str, start: int) -> tuple[int, int]:
    """Where tables of HTML begin and end that begin behind a place, blank lines within or not."""
    depth, begin = 0, start
    for match in _TAGGED_TABLE.finditer(text, start):
        begin = match.start() if not depth else begin
        depth += -1 if match[1] else 1
        if depth <= 0:
            return begin, text.find(">", match.end()) + 1
    return begin, len(text)


def _html_tables(html: str) -> Iterator[Table]:
    from lxml import etree

    tree = etree.fromstring(f"<div>{_COMMENT.sub('', html)}</div>", etree.HTMLParser(recover=True, huge_tree=False))
    for table in () if tree is None else tree.iter("table"):
        rows = [
            tuple(" ".join("".join(cell.itertext()).split()) or None for cell in row.iterchildren("td", "th"))
            for row in table.iter("tr")
            if next(row.iterancestors("table")) is table
        ]
        if any(rows):
            yield Table(tuple(row for row in rows if row))


def _cut(lines: list[str], headings: list[_Heading], tables: list[tuple[int, Table]]) -> Iterator[Part]:
    """One Part a heading, with the tables of its lines; the place of each names the headings that it stands under."""
    starts = [(heading.line, heading) for heading in headings]
    if not starts or any(line.strip() for line in lines[: starts[0][0]]):
        starts.insert(0, (0, _Heading(0, 0, "beginning")))
    titles: dict[int, str] = {}
    for i, (start, heading) in enumerate(starts):
        stop = starts[i + 1][0] if i + 1 < len(starts) else len(lines)
        if heading.level:
            titles = {level: title for level, title in titles.items() if level < heading.level}
            titles[heading.level] = heading.title
        pending = lines[start:stop]
        text = "\n".join(pending).strip("\n")
        blank = next((at for at, line in enumerate(pending) if line), 0)
        place = line_place(text, start + 1 + blank, tuple(titles[level] for level in sorted(titles)) or None)
        own = tuple(table for line, table in tables if start <= line < stop)
        yield Part(heading.title, text, own, (place,))
