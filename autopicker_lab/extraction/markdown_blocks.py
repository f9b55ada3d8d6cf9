"""The blocks of Markdown as pulldown-cmark finds them: headings, paragraphs, tables and HTML, with their lines."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.extraction.plain import lines_in_code

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CONTAINERS = frozenset(("BlockQuote", "List", "Item"))
_KINDS = {"Heading": "heading", "Paragraph": "paragraph", "Table": "table", "HtmlBlock": "html"}
# what is taken is not given back: signs of lists one after another are else tried in all ways
_FORMULA = re.compile(r"((?:[ \t]*+(?:(?:[-*+]|\d{1,9}[.)])[ \t]++|>))*+[ \t]*+)(\$\$|\\\[)(.*)")
_CLOSING = {"$$": "$$", "\\[": "\\]"}
_LEAD = re.compile(r"[ \t>]*")
_MOST_LINES_OF_FORMULA = 200
_RULE = "***"  # a block that holds nothing, in place of a line of a formula
_UNDERLINE = re.compile(r"\n[ \t>]*[-=]+[ \t]*\Z")


class MarkdownBlock(NamedTuple):
    """A block of Markdown.

    Attributes:
        kind: "heading", "paragraph", "table" or "html".
        first: its first line, from 0.
        stop: the line behind its last.
        depth: how many lists, items and quotes it stands in.
        level: of a heading, 1 to 6.
        title: of a heading, as it is shown: the words of links and pictures, code without its marks.
        rows: of a table, its cells as they are written; blank ones are None.
    """

    kind: str
    first: int
    stop: int
    depth: int
    level: int = 0
    title: str = ""
    rows: tuple[tuple[str | None, ...], ...] = ()


def markdown_blocks(lines: Sequence[str]) -> Iterator[MarkdownBlock]:
    """The blocks of a text, in its order; formulas on lines of their own (`$$`, `\\[`) are none."""
    import pyromark

    data = "\n".join(_without_formulas(lines)).encode("utf-8", "replace")
    ends = [match.start() for match in re.finditer(b"\n", data)]
    events: Iterator[tuple[Any, Any]] = iter(
        pyromark.events_with_range(data.decode(), options=pyromark.Options.ENABLE_TABLES)
    )
    depth = 0
    for event, place in events:
        if event.__class__ is not dict:
            continue
        begun = event.get("Start")
        if begun is None:  # text, or an end
            depth -= "End" in event and _name(event["End"]) in _CONTAINERS
            continue
        name = _name(begun)
        if name in _CONTAINERS:
            depth += 1
        elif kind := _KINDS.get(name):
            start, stop = place["start"], place["end"]
            block = MarkdownBlock(
                kind, bisect_right(ends, start - 1), bisect_right(ends, max(stop - 2, start - 1)) + 1, depth
            )
            if kind == "heading":
                level = int(begun["Heading"]["level"][1])
                title = _title(events) or _source(data[start:stop].decode())
                if title:
                    yield block._replace(level=level, title=title)
            else:
                yield block._replace(rows=_rows(events, data)) if kind == "table" else block


def _name(tag: Any) -> str:
    """The name of a tag, which stands alone or over its attributes."""
    return next(iter(tag)) if isinstance(tag, dict) else tag or ""


def _title(events: Iterator[tuple[Any, Any]]) -> str:
    """The words up to the end of a heading."""
    words: list[str] = []
    for event, _ in events:
        if event in ("SoftBreak", "HardBreak"):
            words.append(" ")
        elif isinstance(event, dict):
            if "End" in event and _name(event["End"]) == "Heading":
                break
            words.append(event.get("Text") or event.get("Code") or "")
    return " ".join("".join(words).split())


def _source(heading: str) -> str:
    """What stands in a heading without words, a picture say."""
    return _UNDERLINE.sub("", heading.rstrip()).strip().strip("#").strip()


def _rows(events: Iterator[tuple[Any, Any]], data: bytes) -> tuple[tuple[str | None, ...], ...]:
    """The rows up to the end of a table."""
    rows: list[list[str | None]] = []
    for event, place in events:
        if not isinstance(event, dict):
            continue
        begun = event.get("Start")
        if begun in ("TableHead", "TableRow"):
            rows.append([])
        elif begun == "TableCell":
            cell = data[place["start"] : place["end"]].decode().replace("\\|", "|").strip()
            rows[-1].append(cell or None)
        elif "End" in event and _name(event["End"]) == "Table":
            break
    return tuple(map(tuple, rows))


def _without_formulas(lines: Sequence[str]) -> Sequence[str]:
    """Lines in which a rule stands for each line of a formula, in which nothing is Markdown."""
    marked = [(at, _FORMULA.match(line)) for at, line in enumerate(lines) if "$$" in line or "\\[" in line]
    begun = [(at, found) for at, found in marked if found]
    if not begun:
        return lines
    kept, in_code, behind = list(lines), lines_in_code(lines), 0
    for at, found in begun:
        if at >= behind and not in_code[at] and (stop := _formula_end(lines, at, found)):
            kept[at] = found[1] + _RULE
            kept[at + 1 : stop] = [_LEAD.match(line)[0] + _RULE for line in lines[at + 1 : stop]]  # type: ignore[index]
            behind = stop
    return kept


def _formula_end(lines: Sequence[str], first: int, begun: re.Match[str]) -> int:
    """The line behind a formula's last; 0 where nothing closes it, or more stands behind it."""
    closing = _CLOSING[begun[2]]
    after, at = begun[3], first
    while closing not in after:
        at += 1
        if at >= len(lines) or at - first > _MOST_LINES_OF_FORMULA:
            return 0
        after = lines[at]
    return at + 1 if after.rstrip().endswith(closing) else 0
