"""FailureReport: what another server says of its failure, in the shapes that servers have for that."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autopicker_lab.http_client.tolerant_json import loads, whole

_MAX_MESSAGE = 2000
_MESSAGES = ("message", "msg", "detail", "error", "Message", "error_description", "faultstring", "title", "reason")
_BARE = ("message", "msg", "detail", "Message", "error_description")  # that make an object without `error` a report
_DETAIL_DEPTH = 5
_TITLE = re.compile(rb"<title[^>]*>([^<]{1,300})", re.IGNORECASE)


@dataclass(frozen=True)
class FailureReport:
    """A failure as another server reports it.

    Attributes:
        message: its words; "" where it has none.
        code, type, param: OpenAI's fields, or what stands for them; None where they are not given.
        status: the HTTP status that the report itself names; None where it names none.
        retry_after: seconds that the report itself names; None where it names none.
        details: the report's own object, for fields that have no name here.
    """

    message: str = ""
    code: str | None = None
    type: str | None = None
    param: str | None = None
    status: int | None = None
    retry_after: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(cls, data: bytes) -> FailureReport:
        """The report in the body of an answer: JSON, a page or plain text."""
        try:
            raw = whole(loads(data))
        except (ValueError, RecursionError):
            return cls(_plain(data))
        return cls.of(raw) or cls("" if raw is None else _message(raw, 0))

    @classmethod
    def of(cls, raw: object) -> FailureReport | None:
        """The report in a JSON value; None where it is none, such as an answer without an error."""
        if isinstance(raw, list):  # Google's, and lists of errors
            return cls.of(raw[0]) if raw and isinstance(raw[0], Mapping) else None
        if not isinstance(raw, Mapping):
            return None
        errors = raw.get("errors")
        error = raw.get("error") or (errors[0] if isinstance(errors, list) and errors else errors) or raw.get("fault")
        if error:
            outer = {name: raw[name] for name in ("code", "status", "type", "param", "estimated_time") if name in raw}
            return cls._of(error if isinstance(error, Mapping) else {"message": error}, outer)
        if raw.get("choices") or not (raw.get("object") == "error" or any(raw.get(name) for name in _BARE)):
            return None
        return cls._of(raw, {})

    @classmethod
    def _of(cls, error: Mapping[str, Any], outer: Mapping[str, Any]) -> FailureReport:
        error = _opened(error)
        fields = {**{name: value for name, value in outer.items() if name != "type"}, **error}
        code, kind = fields.get("code"), fields.get("type")
        status = next((number for number in (_status(code), _status(fields.get("status"))) if number), None)
        name = code if isinstance(code, str) and not code.isdecimal() else None
        if name is None and isinstance(fields.get("status"), str) and not _status(fields["status"]):
            name = fields["status"].lower()  # Google's, such as RESOURCE_EXHAUSTED
        param = fields.get("param") or _place(error)
        return cls(
            _message(error, 0),
            name,
            kind if isinstance(kind, str) else None,
            param if isinstance(param, str) else None,
            status,
            _delay(fields),
            fields,
        )


def _opened(error: Mapping[str, Any]) -> Mapping[str, Any]:
    """An error whose message is an error again (as text or as an object), as the inner one."""
    message = error.get("message")
    if isinstance(message, str) and message.lstrip().startswith("{"):
        try:
            message = loads(message.encode("utf-8", "surrogatepass"))
        except ValueError:
            return error
    inner = message.get("error", message) if isinstance(message, Mapping) else None
    if not isinstance(inner, Mapping) or not _message(inner, 0):
        return error
    return {**error, **{name: value for name, value in inner.items() if value is not None}}


def _message(value: object, depth: int) -> str:
    """The words in a report: of nested objects the first that has any, of FastAPI's lists each line with its field."""
    if isinstance(value, str):
        return " ".join(value.split())[:_MAX_MESSAGE]
    if depth >= _DETAIL_DEPTH:
        return ""
    if isinstance(value, list):
        return "; ".join(filter(None, (_message(item, depth + 1) for item in value[:10])))[:_MAX_MESSAGE]
    if not isinstance(value, Mapping):
        return ""
    text = next((text for name in _MESSAGES if (text := _message(value.get(name), depth + 1))), "")
    place = _field(value)
    if place and text:
        return f"{place}: {text}"
    metadata = value.get("metadata")  # OpenRouter's own words are "Provider returned error"
    inner = _message(metadata.get("raw"), depth + 1) if isinstance(metadata, Mapping) else ""
    return f"{text}: {inner}" if inner else text


def _place(error: Mapping[str, Any]) -> str | None:
    """The field that FastAPI's first complaint is about."""
    detail = error.get("detail")
    first = detail[0] if isinstance(detail, list) and detail else detail
    return (_field(first) or None) if isinstance(first, Mapping) else None


def _field(complaint: Mapping[str, Any]) -> str:
    loc = complaint.get("loc")
    return ".".join(str(step) for step in loc if step != "body") if isinstance(loc, list) else ""


def _status(value: object) -> int | None:
    """An HTTP status of an error, where a server writes it into its report."""
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    return value if isinstance(value, int) and 400 <= value <= 599 else None


def _delay(fields: Mapping[str, Any]) -> float | None:
    """Seconds to wait by Google's RetryInfo, Hugging Face's estimate or a plain field."""
    details = fields.get("details")
    for detail in details if isinstance(details, list) else ():
        delay = detail.get("retryDelay") if isinstance(detail, Mapping) else None
        if isinstance(delay, str) and delay.endswith("s"):
            return _seconds(delay[:-1])
    given = (fields.get("retry_after"), fields.get("retry_after_seconds"), fields.get("estimated_time"))
    return next((seconds for value in given if (seconds := _seconds(value)) is not None), None)


def _seconds(value: object) -> float | None:
    try:
        seconds = float(value) if isinstance(value, str | int | float) else -1.0
    except (ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds < 1e9 else None


def _plain(data: bytes) -> str:
    """The words of a body that is no JSON: a page's title, or the text."""
    head = data.lstrip()[:1].startswith(b"<")
    if head:
        title = _TITLE.search(data[:20_000])
        return f"a page, {title[1].decode('utf-8', 'replace').strip()!r}" if title else "a page of HTML"
    return _message(data[: 4 * _MAX_MESSAGE].decode("utf-8", "replace"), 0)
