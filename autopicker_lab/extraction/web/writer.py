"""Markdown of a page's tree: its blocks, by the writers of lists, tables and lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction.plain import flat_rows
from autopicker_lab.extraction.web import lists, tables
from autopicker_lab.extraction.web.context import context_of
from autopicker_lab.extraction.web.dom import BLOCKS, HEADINGS, SKIPPED, is_hidden, local, names, words
from autopicker_lab.extraction.web.forms import tick
from autopicker_lab.extraction.web.inline import InlineWriter
from autopicker_lab.extraction.web.media import medium

if TYPE_CHECKING:
    from collections.abc import Callable

    from autopicker_lab.extraction.web.context import PageContext

_LANGUAGE = re.compile(r"(?:lang(?:uage)?|highlight(?:-source)?|brush)[-:]\s*([\w+#-]+)")
_NO_LANGUAGES = frozenset(("default", "text", "none", "plaintext", "wrapper", "box"))
_AT_START = re.compile(r"(?m)^(?=#{1,6}\s|(?:=+|-{2,})\s*$|```|~~~)")
_LINE_NUMBERS = frozenset(("linenos", "lineno", "linenodiv", "line-numbers-rows", "hljs-ln-numbers", "blob-num"))
_MAX_QUOTES = 8  # within each other that are marked


class Writer:
    """Writes the blocks of one page."""

    def __init__(self, context: PageContext) -> None:
        self.context = context
        self._inline = InlineWriter(context)
        self._plain = InlineWriter(context, emphasis=False)

    def markdown(self, element: Any) -> str:
        """The content of an element as Markdown."""
        return "\n\n".join(self.blocks(element))

    def blocks(self, element: Any) -> list[str]:
        """The paragraphs, lists, tables and so on of an element, in order."""
        if element not in self.context.holders:
            text = self._inline.inside(element)
            return [_escaped(text)] if text else []
        nodes = [element.text]
        for child in element:
            nodes += (child, child.tail)
        return self._run(nodes)

    def _run(self, nodes: list[Any]) -> list[str]:
        """Texts and elements in a row as blocks; lines gather between those that are blocks themselves."""
        found: list[str] = []
        run: list[Any] = []
        for node in nodes:
            if isinstance(node, str):
                run.append(node)
            elif node is not None and self._is_block(node):
                self._close(run, found)
                found.extend(self._block(node))
                run = []
            elif node is not None and isinstance(node.tag, str):
                run.append(node)
        self._close(run, found)
        return found

    def _close(self, run: list[Any], found: list[str]) -> None:
        text = self._inline.line([re.sub(r"[ \t\r\n\f\xa0]+", " ", n) if isinstance(n, str) else n for n in run])
        if text:
            found.append(_escaped(text))

    def _is_block(self, element: Any) -> bool:
        tag = local(element)
        if tag in SKIPPED:
            return False
        return tag in BLOCKS or element in self.context.holders or tag in ("iframe", "frame")

    def _block(self, element: Any) -> list[str]:
        if is_hidden(element):
            self.context.note("hidden text was left out", words(element))
            return []
        write = _WRITERS.get(local(element))
        if write is None:
            parts, mark = self.blocks(element), tick(element)
            return [f"{mark} {parts[0]}", *parts[1:]] if mark and parts else parts
        text = write(self, element)
        return text if isinstance(text, list) else [text] if text else []

    def heading(self, element: Any) -> str:
        """A heading in one line."""
        text = " ".join(self._plain.inside(element).split("\n"))
        return f"{'#' * int(element.tag[1])} {text}" if text else ""

    def table(self, element: Any) -> list[str]:
        """A table with its caption, or the parts that it lays out."""
        rows = tables.rows_of(element)
        before = self._run(tables.strays(element))
        if tables.is_layout(element, rows):
            cells = (cell for row in rows if not is_hidden(row) for cell in tables.cells_of(row))
            return before + [part for cell in cells if not is_hidden(cell) for part in self._cell_blocks(cell)]
        captions = [self._inline.inside(c) for c in element if local(c) == "caption"]
        numbers = [cell for cell in element.iter("td") if _LINE_NUMBERS & set(names(cell))]
        if numbers:  # a listing with its line numbers in a column
            code = [cell for cell in element.iter("td") if cell not in numbers]
            return [part for cell in code for part in self.blocks(cell)]
        for row in rows:
            if is_hidden(row):
                self.context.note("hidden text was left out", words(row))
        lines = tables.grid(rows, self._cell)
        if more := sum(not is_hidden(row) for row in rows) - len(lines):
            self.context.note("a table has too many cells to be read whole", f"{more:,} rows were left out")
        text = tables.markdown(lines, tables.head_rows(rows))
        return [part for part in (*before, *captions, text) if part]

    def _cell_blocks(self, cell: Any) -> list[str]:
        return self.blocks(cell) if local(cell) in ("td", "th") else self._run([cell])

    def _cell(self, cell: Any) -> str:
        """A cell on one line; a table in it by rows."""
        if cell not in self.context.holders:
            return self._line_of(cell)
        parts = []
        for part in self.blocks(cell):
            parts.append(("; " if part[:1] == "|" else " ").join(flat_rows(part)))
        return re.sub(r"\s+", " ", " ".join(parts))

    def _line_of(self, cell: Any) -> str:
        writer = self._plain if cell.tag == "th" else self._inline
        return " ".join(writer.inside(cell).split("\n"))

    def code(self, element: Any) -> str:
        """A fenced block with its language."""
        text = "".join("\n" if s is None else s for s in _code_strings(element)).replace("\xa0", " ").strip("\n")
        if not text.strip():
            return ""
        fence = "`" * max(3, *(len(run) + 1 for run in re.findall(r"`{3,}", text)), 3)
        holders = (element, *element.iter("code"), *list(element.iterancestors())[:2])
        found = (_LANGUAGE.search(e.get("class") or "") for e in holders)
        language = next((match[1] for match in found if match and match[1] not in _NO_LANGUAGES), "")
        return f"{fence}{language}\n{text.rstrip()}\n{fence}"

    def quote(self, element: Any) -> list[str]:
        """A quotation, each line marked, down to a depth."""
        if sum(1 for _ in element.iterancestors("blockquote")) >= _MAX_QUOTES:
            return self.blocks(element)
        text = self.markdown(element)
        return [re.sub(r"(?m)^", "> ", text).replace("> \n", ">\n")] if text else []

    def bold_line(self, element: Any) -> str:
        """The head of a group: a summary or a legend."""
        if element in self.context.holders:
            return self.markdown(element)
        text = self._plain.inside(element)
        return f"**{text}**" if text and "\n" not in text else text

    def linked(self, element: Any) -> list[str]:
        """Blocks within a link: the first line that can takes the address."""
        parts = self.blocks(element)
        address = self.context.address(element.get("href"))
        if parts and address and not address.startswith("#"):
            match = re.fullmatch(r"(#{1,6} )?([^\n\[\]|]+)", parts[0])
            if match:
                parts[0] = f"{match[1] or ''}[{match[2]}]({address.replace(' ', '%20')})"
        return parts

    def frame(self, element: Any) -> list[str]:
        """A frame whose page is in the file."""
        page = self.context.frame(element)
        if page is None:
            text = medium(element, self.context)
            return [text] if text else []
        inner = context_of(page, self.context.base, self.context.frame)
        parts = Writer(inner).blocks(page)
        for why, things in inner.left_out.items():
            self.context.left_out.setdefault(why, []).extend(things)
        return parts


def _escaped(text: str) -> str:
    """A paragraph whose lines are no headings or fences by chance."""
    return _AT_START.sub(r"\\", text)


def _code_strings(element: Any) -> list[str | None]:
    """The texts of a listing in order, None for a line break; without line numbers."""
    found: list[str | None] = [element.text] if element.text else []
    for child in element:
        if local(child) == "br":
            found.append(None)
        elif isinstance(child.tag, str) and local(child) not in SKIPPED and not _LINE_NUMBERS & set(names(child)):
            found.extend(_code_strings(child))
            if local(child) in BLOCKS and child.tail is None and child.getnext() is not None:
                found.append(None)
        if child.tail:
            found.append(child.tail)
    return found


_WRITERS: dict[str, Callable[[Writer, Any], str | list[str]]] = {
    **dict.fromkeys(HEADINGS, Writer.heading),
    **dict.fromkeys(("ul", "ol", "menu", "dir"), lambda writer, element: lists.marked_list(element, writer.blocks)),
    **dict.fromkeys(("pre", "listing", "xmp", "plaintext"), Writer.code),
    **dict.fromkeys(("summary", "legend"), Writer.bold_line),
    **dict.fromkeys(("iframe", "frame"), Writer.frame),
    "dl": lambda writer, element: lists.term_list(element, writer.blocks),
    "table": Writer.table,
    "blockquote": Writer.quote,
    "a": Writer.linked,
    "hr": lambda writer, element: "---",
}
