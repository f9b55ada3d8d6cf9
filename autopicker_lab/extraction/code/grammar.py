"""Source code as a tree that holds where the code is wrong (tree-sitter), and what a query finds in it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice
from time import monotonic, thread_time
from typing import TYPE_CHECKING

from autopicker_lab.extraction.code.outline import Symbol, head_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tree_sitter import Language, Node, Query

    Match = dict[str, Node]

_MOST_ERRORS = 5
_MOST_NAME = 200
_MOST_OPEN = 5_000
_PIECE = 1 << 16  # bytes that the parser is given at once
_SECONDS, _SECONDS_PER_MB = 2.0, 2.0  # of the processor; sound code takes a tenth of it


class Source:
    """A text in UTF-8, its tree by a grammar, and what a search in it had to say."""

    def __init__(self, text: str, data: bytes, root: Node, language: Callable[[], object]) -> None:
        self.text = text
        self.data = data
        self.root = root
        self.said: tuple[str, ...] = ()
        self._language = language

    @classmethod
    def parse(cls, text: str, language: Callable[[], object], known: str = "") -> Source | None:
        """Parse a text; None where the parser, which tries to mend what is wrong, finds no end of that.

        Args:
            known: the text in words that the grammar knows, each byte in its place.
        """
        from tree_sitter import Parser

        data = (known or text).encode()
        seconds = _SECONDS + _SECONDS_PER_MB * len(data) / 1e6
        earliest, end = monotonic() + seconds, thread_time() + seconds  # the kernel is asked once it may have passed
        try:
            tree = Parser(_language(language)).parse(
                lambda offset, _: data[offset : offset + _PIECE],
                progress_callback=lambda *_: monotonic() > earliest and thread_time() > end,
            )
        except ValueError:
            return None
        return cls(text, text.encode() if known else data, tree.root_node, language)

    def text_of(self, node: Node) -> str:
        """The text of a node."""
        return self.data[node.start_byte : node.end_byte].decode(errors="replace")

    def find(self, query: str) -> Iterator[Match]:
        """What the patterns of a query match: nodes by the names of their captures."""
        from tree_sitter import QueryCursor

        if self._is_too_wide:
            return
        for _, captures in QueryCursor(_query(self._language, query)).matches(self.root):
            yield {name: nodes[0] for name, nodes in captures.items()}

    @cached_property
    def _is_too_wide(self) -> bool:
        """Whether so many brackets are never closed that a search takes their number squared."""
        wide = any(n.is_error and n.child_count - n.named_child_count > _MOST_OPEN for n in self._errors(nested=True))
        if wide:
            self.said = ("so many brackets are open that its outline is not whole",)
        return wide

    def _errors(self, nested: bool = False) -> Iterator[Node]:
        """The places of the tree that are wrong or missing, those within others too if `nested`.

        The tree may be too deep for recursion.
        """
        stack = [self.root]
        while stack:
            node = stack.pop()
            is_wrong = node.is_error or node.is_missing
            if is_wrong:
                yield node
            if node.has_error and (nested or not is_wrong):
                stack.extend(reversed(node.children))

    def ranges(self, query: str) -> Ranges:
        """The bytes of all that a query captures."""
        return Ranges((node.start_byte, node.end_byte) for match in self.find(query) for node in match.values())

    def signature(self, start: int, stop: int) -> str:
        """The head of a symbol, between its first byte and that of its body."""
        return head_line(self.data, start, stop)

    def faults(self, most: int = _MOST_ERRORS) -> list[tuple[int, int]]:
        """Line and column of the first errors of the tree."""
        return [(node.start_point[0] + 1, node.start_point[1] + 1) for node in islice(self._errors(), most)]


class Ranges:
    """Stretches of bytes, asked whether they hold one."""

    def __init__(self, ranges: Iterable[tuple[int, int]]) -> None:
        self._ranges = sorted(ranges)
        self._starts = [start for start, _ in self._ranges]

    def holds(self, byte: int) -> bool:
        """Whether the byte is in one."""
        at = bisect_right(self._starts, byte) - 1
        return at >= 0 and byte < self._ranges[at][1]


@cache
def _language(language: Callable[[], object]) -> Language:
    from tree_sitter import Language

    return Language(language())


@cache
def _query(language: Callable[[], object], query: str) -> Query:
    from tree_sitter import Query

    return Query(_language(language), query)


def line_range(node: Node) -> tuple[int, int]:
    """The first and the last line of a node, from 1."""
    last = node.end_point[0] + (node.end_point[1] > 0 or node.end_point == node.start_point)
    return node.start_point[0] + 1, last


@dataclass(frozen=True)
class Scope:
    """A stretch of code with a name: a symbol, or what only lends its name, as an object of functions does.

    Attributes:
        kind: as of a Symbol; empty for what only lends its name.
        start, stop: its bytes.
        owner: what it belongs to, where that is not what it stands in: "Queue" of `Queue.prototype.add = ...`.
    """

    kind: str
    name: str
    start: int
    stop: int
    first: int
    last: int
    signature: str = ""
    doc: str = ""
    owner: str = ""


_LENDS_METHODS = {"class", "type", "variable", ""}
_LATER = {"variable": 1, "": 2}  # where the same bytes are something else as well


def nest(scopes: Iterable[Scope]) -> list[Symbol]:
    """Symbols, named after what they are in, in the order of the text; one for the same bytes."""
    symbols: list[Symbol] = []
    around: list[tuple[Scope, str, bool]] = []  # with its whole name, and whether a symbol is among them
    last: Scope | None = None
    for scope in sorted(scopes, key=lambda s: (s.start, -s.stop, _LATER.get(s.kind, 0))):
        if last is not None and (scope.start, scope.stop) == (last.start, last.stop):
            continue
        while around and around[-1][0].stop < scope.stop:
            around.pop()
        outer, prefix, within = around[-1] if around else (None, "", False)
        parent = scope.owner or prefix
        name = ".".join(filter(None, (parent, scope.name)))
        if scope.kind:
            is_owned = bool(scope.owner) or (outer is not None and outer.kind in _LENDS_METHODS)
            kind = "method" if scope.kind == "function" and parent and is_owned else scope.kind
            doc = "" if symbols and symbols[-1].first == scope.first else scope.doc  # it is about the first of a line
            symbols.append(Symbol(kind, name, scope.first, scope.last, parent, scope.signature, doc, not within))
        around.append((scope, name[-_MOST_NAME:], within or bool(scope.kind)))
        last = scope
    return symbols
