"""Regular expressions of a JSON schema, as llama.cpp can hold an answer to them."""

from __future__ import annotations

import re

_MAX_REPEATS = 2000  # copies of a character that nested quantifiers may ask for
_MAX_DEPTH = 16
_CLASSES = {"d": "0-9", "w": "A-Za-z0-9_", "s": " "}  # of what white space is, a blank is enough
_SPECIAL = ".^$*+?()[]{}|"
_UNQUOTED = r'"\\\x00-\x1f'  # what may not stand in a JSON text as it is
_COUNT = re.compile(r"\{(\d{1,4})(?:(,)(\d{1,4})?)?\}")


class PatternError(Exception):
    """What of a pattern cannot be held to."""


def held_pattern(pattern: str) -> str:
    """The pattern, anchored, in the few forms that llama.cpp knows.

    An answer that fits it fits the given one, too: one that may be found anywhere in a text is made the whole of it.

    Raises:
        PatternError: it has more than literals, classes, groups, alternatives and quantifiers.
    """
    body = pattern.removeprefix("^")
    if body.endswith("$") and not body.endswith("\\$"):
        body = body[:-1]
    return f"^({_Reader(body).read()})$"


class _Reader:
    """Reads a pattern from left to right, and writes it anew."""

    def __init__(self, body: str):
        self._body = body
        self._at = 0

    def read(self) -> str:
        made, copies = self._alternatives(0)
        if self._at < len(self._body):
            raise PatternError("unbalanced parentheses")
        if copies > _MAX_REPEATS:
            raise PatternError(f"more than {_MAX_REPEATS} repetitions")
        return made

    def _alternatives(self, depth: int) -> tuple[str, int]:
        """Up to the end of the group: what it becomes, and how many characters it may ask for at least."""
        if depth > _MAX_DEPTH:
            raise PatternError("groups nested too deep")
        made: list[str] = []
        copies = 0
        while self._at < len(self._body) and self._body[self._at] != ")":
            if self._body[self._at] == "|":
                self._at += 1
                made.append("|")
                continue
            item, size = self._item(depth)
            quantifier, times = self._quantifier()
            made.append(item + quantifier)
            copies += size * times
        return "".join(made), copies

    def _item(self, depth: int) -> tuple[str, int]:
        char = self._next()
        if char == "(":
            if self._body.startswith("?:", self._at):
                self._at += 2
            inner, copies = self._alternatives(depth + 1)
            if self._next() != ")":
                raise PatternError("unbalanced parentheses")
            return f"({inner})", copies
        if char == "[":
            return self._class(), 1
        if char == ".":
            return f"[^{_UNQUOTED}]", 1
        if char == "\\":
            return self._escape(), 1
        if char in _SPECIAL or char == '"' or char < " ":
            raise PatternError(f"'{char}' in this place")
        return char, 1

    def _escape(self) -> str:
        char = self._next()
        if char in _CLASSES:
            return f"[{_CLASSES[char]}]"
        if char in _SPECIAL:
            return f"\\{char}"
        if char.isalnum() or char in '"\\':
            raise PatternError(f"'\\{char}'")
        return char

    def _class(self) -> str:
        negated = self._body.startswith("^", self._at)
        self._at += negated
        made = []
        while (char := self._next()) != "]":
            if char == "\\":
                char = self._next()
                if char in _CLASSES:
                    made.append(_CLASSES[char])
                    continue
                if char.isalnum() or char in '"\\':
                    raise PatternError(f"'\\{char}'")
                made.append(f"\\x{ord(char):02x}" if char.isascii() else char)
            elif char in '"[' or char < " ":
                raise PatternError(f"'{char}' in a class")
            else:
                made.append(char)
        if not made:
            raise PatternError("an empty class")
        return f"[^{''.join(made)}{_UNQUOTED}]" if negated else f"[{''.join(made)}]"

    def _quantifier(self) -> tuple[str, int]:
        """The quantifier that follows, and how often it repeats at most, where there is an end to it."""
        found = ""
        times = 1
        if self._body[self._at : self._at + 1] in ("*", "+", "?"):
            found = self._body[self._at]
        elif count := _COUNT.match(self._body, self._at):
            found = count[0]
            times = max(int(count[1]), int(count[3] or 0), 1)
        self._at += len(found)
        if found and self._body.startswith("?", self._at):  # a lazy one finds the same texts
            self._at += 1
        return found, times

    def _next(self) -> str:
        if self._at >= len(self._body):
            raise PatternError("it ends too early")
        self._at += 1
        return self._body[self._at - 1]
