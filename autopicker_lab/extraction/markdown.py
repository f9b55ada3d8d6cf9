"""Markdown by a parser (markdown-it): headings in any form, tables, front matter; the source stays word for word."""

from __future__ import annotations

import re
from functools import cache
from html import unescape
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.core import Document, Part, SourceFile, Table
from autopicker_lab.core.places import line_place
from autopicker_lab.extraction.base64_data import leave_out_base64
from autopicker_lab.extraction.decoding import decode
from autopicker_lab.extraction.drawn_tables import drawn_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markdown_it import MarkdownIt
    from markdown_it.ruler import RuleOptionsType
    from markdown_it.rules_block import StateBlock
    from markdown_it.token import Token

_MAX_FRONT_MATTER = 500  # lines
_MAX_TITLE = 300
_MAX_BRACKETS = 200
_TAGGED_HEADING = re.compile(r"<h([1-6])\b[^<>]*>((?:(?!</?h[1-6]\b).)*)</h\1\s*>", re.S | re.I)
_TAGGED_TABLE = re.compile(r"<(/?)table\b", re.I)
_TAG = re.compile(r"<[^<>]*>")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.S)
_MARKUP = re.compile(r"[^\w\s.,:;()/?#'\"+%=-]|[_\x00]")  # what may be more than its letters
_ATTRIBUTES = re.compile(r"\s*\{:?\s*[#.][^{}\n]*\}\s*$")  # of a heading, as of Pandoc and kramdown: {#id .class}
_FORMULAS = {"$$": "$$", "\\[": "\\]"}
_MOST_LINES_OF_FORMULA = 200


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
    tokens = _parser().parse("\n" * above + "\n".join(lines[above:]))
    headings = list(_headings(tokens, lines))
    titles = [heading.title for heading in headings]
    title = front.get("title")
    meta: dict[str, Any] = {
        "encoding": encoding,
        "title": title if isinstance(title, str) and title else titles[0] if titles else None,
        "headings": titles,
    }
    if front:
        meta["front_matter"] = front
    parts = tuple(_cut(lines, headings, list(_tables(tokens, text, lines))))
    return Document(file.name, file.kind, parts, meta, (*warnings, *left_out, *said))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    # what is within lines is looked at for headings and cells alone
    parser = MarkdownIt("commonmark").enable("table").disable("inline")
    options: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    parser.block.ruler.before("fence", "formula", _formula, options)
    return parser


def _formula(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    """A formula on lines of its own, `$$` or `\\[` to `$$` or `\\]`, in which nothing is Markdown."""
    begin = state.bMarks[first] + state.tShift[first]
    closing = _FORMULAS.get(state.src[begin : begin + 2])
    if closing is None or state.is_code_block(first):
        return False
    after = state.src[begin + 2 : state.eMarks[first]].rstrip()
    line = first
    while closing not in after:
        line += 1
        if line >= last or line - first > _MOST_LINES_OF_FORMULA:
            return False
        after = state.src[state.bMarks[line] : state.eMarks[line]]
        if state.sCount[line] < state.blkIndent and after.strip():
            return False
    if not after.rstrip().endswith(closing):
        return False
    if not silent:
        state.line = line + 1
        token = state.push("formula", "", 0)
        token.map = [first, state.line]
    return True


@cache
def _inline_parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark")


def _front_matter_length(lines: Sequence[str]) -> int:
    """How many lines of keys and values stand between two rules at the beginning, the rules among them."""
    rule = lines[0].rstrip()
    if rule not in ("---", "+++"):
        return 0
    ends = (rule, "...") if rule == "---" else (rule,)
    found = (i for i, line in enumerate(lines[1:_MAX_FRONT_MATTER], 2) if line.rstrip() in ends)
    return next(found, 0)


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
            value = yaml.load(inner, Loader=yaml.BaseLoader)  # it makes texts alone
    except (yaml.YAMLError, tomllib.TOMLDecodeError, RecursionError) as error:
        return {}, (f"front matter that cannot be parsed: {' '.join(str(error).split())[:100]}",)
    return ({str(key): _plain(item) for key, item in value.items()} if isinstance(value, dict) else {}), ()


def _plain(value: object, depth: int = 4) -> Any:
    if isinstance(value, dict) and depth:
        return {str(key): _plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list) and depth:
        return [_plain(item, depth - 1) for item in value]
    return value if isinstance(value, str | int | bool) or value is None else str(value)


def _headings(tokens: Sequence[Token], lines: Sequence[str]) -> Iterator[_Heading]:
    """The headings that stand at the document's own level, also those of HTML."""
    for i, token in enumerate(tokens):
        if token.level or token.map is None:
            continue
        if token.type == "heading_open" and (source := tokens[i + 1].content):
            source = _ATTRIBUTES.sub("", source) or source
            yield _Heading(token.map[0], int(token.tag[1]), _words(source) or source)
        elif token.type == "html_block":
            html = _COMMENT.sub(lambda match: "\n" * match[0].count("\n"), "\n".join(lines[slice(*token.map)]))
            for match in _TAGGED_HEADING.finditer(html):
                if title := " ".join(unescape(_TAG.sub(" ", match[2])).split()):
                    yield _Heading(token.map[0] + html.count("\n", 0, match.start()), int(match[1]), title[:_MAX_TITLE])


def _words(source: str) -> str:
    """A heading as it is shown: the words of links and pictures, code without its marks."""
    if not _MARKUP.search(source):  # most headings; a parser takes 0.1 ms
        return " ".join(source.split())
    words: list[str] = []
    stack = list(reversed(_inline_parser().parseInline(source)))
    while stack:
        token = stack.pop()
        if token.children:
            stack += reversed(token.children)
        elif token.type in ("text", "code_inline", "text_special"):
            words.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            words.append(" ")
    return " ".join("".join(words).split())


def _tables(tokens: Sequence[Token], text: str, lines: Sequence[str]) -> Iterator[tuple[int, Table]]:
    """Tables of Markdown, also within quotes and lists, drawn ones, and of HTML; each with its first line, from 0."""
    rows: list[list[str | None]] = []
    first, below = 0, 0
    offsets: list[int] = []
    for i, token in enumerate(tokens):
        if token.type == "table_open" and token.map:
            rows, first = [], token.map[0]
        elif token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            rows[-1].append(tokens[i + 1].content.strip() or None)
        elif token.type == "table_close":
            yield first, Table(tuple(map(tuple, rows)))
        elif token.type == "paragraph_open" and token.map and token.map[1] - token.map[0] > 2:
            yield from ((token.map[0] + i, table) for i, table in drawn_tables(lines[slice(*token.map)]))
        elif token.type == "html_block" and token.map and token.map[0] >= below and "<table" in token.content.lower():
            offsets = offsets or [0, *accumulate(len(line) + 1 for line in lines)]
            start, stop = _tagged_table(text, offsets[token.map[0]])
            below = token.map[0] + text.count("\n", offsets[token.map[0]], stop) + 1
            yield from ((token.map[0], table) for table in _html_tables(text[start:stop]))


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
