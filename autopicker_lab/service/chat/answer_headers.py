"""What an answer's headers say of it, for clients that hand on the body alone: model, score, reason and cost."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from autopicker_lab.service.request.rate_limits import HeaderLines

_MAX_LENGTH = 200
_SAFE = " !\"#$&'()*+,-./:;<=>?@[]^_`{|}~"  # printable ASCII but for the percent sign


def answer_headers(model: str, routing: object, cost_usd: float | None = None) -> HeaderLines:
    """The `X-Autopicker-` headers of an answer.

    Args:
        routing: the `routing` object of its body, where that has one.
        cost_usd: None where it is not known yet.
    """
    headers = [(b"x-autopicker-model", _value(model))]
    if isinstance(routing, dict):
        headers += (
            (b"x-autopicker-score", str(routing.get("complexity_score")).encode("ascii", "replace")),
            (b"x-autopicker-reason", _value(str(routing.get("reason") or ""))),
            (b"x-autopicker-policy", _value(str(routing.get("policy") or ""))),
        )
        cascade = routing.get("cascade")
        if isinstance(cascade, dict):
            headers.append((b"x-autopicker-cascade", b"went-up" if cascade.get("went_up") else b"kept"))
        if routing.get("fallback_used"):
            headers.append((b"x-autopicker-fallback", b"true"))
        if routing.get("warnings"):
            headers.append((b"x-autopicker-warning", _value("; ".join(map(str, routing["warnings"])))))
    if cost_usd is not None:
        headers.append((b"x-autopicker-cost-usd", b"%.8f" % cost_usd))
    return headers


@lru_cache(4096)
def _value(text: str) -> bytes:
    """A text as a header's value: ASCII as it is, all else and what is no letter in percent form."""
    if text.isascii() and text.isprintable() and "%" not in text:
        return text[:_MAX_LENGTH].encode()
    return quote(text[: _MAX_LENGTH // 2], safe=_SAFE, errors="replace").encode()
