"""What to do about requests that failed, by the kind of their error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autopicker_lab.loadtest.over_http import NO_CONNECTION
from autopicker_lab.loadtest.sample import http_error

if TYPE_CHECKING:
    from autopicker_lab.loadtest.report import LoadReport

_KEY = "the server wants a key that may do this: --header 'Authorization: Bearer KEY'"
_FIELDS = "it refuses a field: leave one out by --option stream_options=null, or --max-tokens 0"
_ADDRESS = "nothing is there: chats go to ADDRESS/chat/completions, so the address ends in /v1; check --model as well"
_BUSY = "the server had no room or no model behind it: send fewer at once, and read its log"
_ADVICE = {
    http_error(400): _FIELDS,
    http_error(422): _FIELDS,
    http_error(401): _KEY,
    http_error(403): _KEY,
    http_error(404): _ADDRESS,
    http_error(405): "the path does not take this method",
    http_error(408): "the server waited in vain for the request: this machine or the network is too slow",
    http_error(413): "the prompts are larger than the server takes",
    http_error(429): "the server limits how many requests it takes: send fewer with --rate, or raise its limit"
    " (of this service: RATE_LIMIT_REQUESTS, or a key of its own with --requests)",
    http_error(500): "the server failed: its log says why",
    http_error(502): _BUSY,
    http_error(503): _BUSY,
    http_error(504): _BUSY,
    NO_CONNECTION: "this machine has no connection left: allow more open files (ulimit -n), or fewer users",
    "refused": "is its server running?",
    "unreachable": "is the machine on, and the port open?",
    "unknown host": "check the name in the address",
    "tls": "the server's certificate is not known here, or it speaks plain http",
    "timeout": "answers take longer than --timeout allows",
    "html": "a page answered and not an API: the address of chats ends in /v1",
    "not http": "something else than a web server listens there",
    "not a stream": "the server does not stream: measure whole answers with --no-stream",
}


def advice_on(report: LoadReport) -> list[str]:
    """A line for each kind of error of which there is something to do, most frequent first, with the server's words."""
    lines = []
    for name in report.errors:
        words = report.words.get(name, "")
        said = f"{name}: the server says: {words}" if words else name
        if name in _ADVICE or words:
            lines.append(f"{said}; {_ADVICE[name]}" if name in _ADVICE else said)
    return lines
