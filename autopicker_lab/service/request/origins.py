"""Which pages may call the service from a browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Origins:
    """The origins in ALLOWED_ORIGINS.

    Attributes:
        exact: those without a pattern; "*" among them allows all.
        pattern: a regular expression for the others; None where there are none.
    """

    def __init__(self, entries: Iterable[str]):
        patterns = sorted(entry for entry in entries if "*" in entry and entry != "*")
        self.exact = frozenset(entries) - set(patterns)
        self.pattern = "|".join(map(_expression, patterns)) or None
        self._compiled = re.compile(self.pattern or r"(?!)")

    def __bool__(self) -> bool:
        return bool(self.exact or self.pattern)

    def allow(self, headers: Mapping[bytes, bytes]) -> bool:
        """Whether a request comes from no page, from one of the service's own, or from one of these origins.

        Browsers let any page send simple requests and open sockets, and say which page it is.
        """
        if b"origin" not in headers:
            return True
        origin = headers[b"origin"].decode("latin-1")
        if origin in self.exact or "*" in self.exact or self._compiled.fullmatch(origin):
            return True
        return origin.partition("://")[2] == headers.get(b"host", b"").decode("latin-1") != ""


def _expression(pattern: str) -> str:
    """A regular expression; a star stands for letters, digits, dots and hyphens: for a host or its part, or a port."""
    return r"[a-zA-Z0-9.\-]+".join(re.escape(part) for part in pattern.split("*"))
