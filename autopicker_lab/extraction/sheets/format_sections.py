"""The language of number formats (ECMA-376, 18.8.31): its sections and their tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|(?P<space>_.|\*.)|\[\$(?P<currency>[^\]\-]*)(?:-[^\]]*)?\]'
    r"|\[(?P<condition>[<>=]{1,2}\s*-?[\d.]+(?:E[+-]?\d+)?)\]|\[(?P<elapsed>h+|m+|s+)\]|\[[^\]]*\]"
    r"|(?P<general>General)|(?P<exponent>E[+-])|(?P<half>AM/PM|A/P)|(?P<digit>[0#?])|(?P<text>@)"
    r"|(?P<date>[ymdhsgeb]+|a{3,4})|(?P<mark>[.,%/])|(?P<other>.)",
    re.IGNORECASE | re.DOTALL,
)
_PLACES = re.compile(r"([0#?][0#?,]*[0#?]|[0#?]|(?=\.))(?:\.([0#?]{0,30}))?(,*)")
PLAIN = frozenset(" ()-+.,:'\u00a0\u202f\u2019")  # literals that say nothing of their own
_BETWEEN = frozenset("-./:")  # but do between digits, as in the mask of a telephone number


@dataclass(frozen=True)
class Token:
    """A piece of a section; `kind` is a name in `_TOKEN`, or "literal" for what stands as it is."""

    kind: str
    text: str


@dataclass(frozen=True)
class Section:
    """The format of positive, negative, zero or text values, or of those for which a condition holds."""

    tokens: tuple[Token, ...]
    condition: tuple[str, float] | None

    @cached_property
    def usual(self) -> tuple[str, re.Match[str], str] | None:
        """Of a usual section its places between what stands before and behind them; None for any other."""
        places = "".join(t.text if t.kind in ("digit", "mark") else "\x00" for t in self.tokens).strip("\x00%/")
        match = _PLACES.fullmatch(places)
        if match is None or self.has("exponent", "general", "text") or self.marks("/"):
            return None
        first = next(i for i, token in enumerate(self.tokens) if token.kind == "digit" or token.text == ".")
        before, behind = self.tokens[:first], self.tokens[first + len(places) :]
        return "".join(map(literal, before)), match, "".join(map(literal, behind))

    @cached_property
    def percent(self) -> int:
        """What the value is multiplied by: a hundred for each percent sign."""
        return int(100 ** self.marks("%"))

    def has(self, *kinds: str) -> bool:
        """Whether it has a token of one of these kinds."""
        return any(token.kind in kinds for token in self.tokens)

    def marks(self, mark: str) -> int:
        """How many of these marks it has: "%", "/", "," or "."."""
        return sum(token.kind == "mark" and token.text == mark for token in self.tokens)

    @cached_property
    def is_date(self) -> bool:
        """Whether it shows a date, a time or a duration."""
        return self.has("date", "elapsed", "half") and not self.has("general", "exponent")

    @property
    def carries_meaning(self) -> bool:
        """Whether what it shows says more than the number: a unit, a share, a mask, leading zeros, words."""
        if self.is_date:
            return False
        if self.condition or self.has("exponent") or self.marks("%") or self.marks("/"):
            return True
        if any(token.kind == "literal" and not set(token.text) <= PLAIN for token in self.tokens):
            return True
        kinds = [(token.kind, token.text) for token in self.tokens]
        digits = [i for i, (kind, _) in enumerate(kinds) if kind == "digit"]
        inside = kinds[digits[0] : digits[-1]] if digits else []
        if any(kind == "literal" and set(text) & _BETWEEN for kind, text in inside):
            return True
        whole = kinds[: kinds.index(("mark", "."))] if ("mark", ".") in kinds else kinds
        return sum(one == ("digit", "0") for one in whole) > 1


def split_sections(code: str) -> list[str]:
    """A code's sections: cut at semicolons that are not quoted, escaped, or in brackets."""
    sections = [""]
    for piece in re.findall(r'"[^"]*"?|\\.|[_*].|\[[^\]]*\]|.', code, re.DOTALL):
        if piece == ";":
            sections.append("")
        else:
            sections[-1] += piece
    return sections[:4]


def parse_section(code: str) -> Section:
    """The section that a piece of a code between semicolons means."""
    tokens: list[Token] = []
    condition = None
    for match in _TOKEN.finditer(code):
        kind, text = match.lastgroup, match[0]
        if kind == "condition":
            number = text[1:-1].lstrip("<>= ")
            condition = (text[1:-1].removesuffix(number).strip(), float(number))
        elif kind in ("quoted", "escaped", "currency", "other"):
            tokens.append(Token("literal", match[kind]))
        elif kind is not None:
            tokens.append(Token("literal", " ") if kind == "space" else Token(kind, text))
    return Section(tuple(tokens), condition)


def literal(token: Token) -> str:
    """What a token shows of itself; "" for a place or a mark."""
    return token.text if token.kind == "literal" or token.text == "%" else ""
