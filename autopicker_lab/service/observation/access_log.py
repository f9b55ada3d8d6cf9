"""The access log: a line for each request, written ten times a second, as a write for each would cost more than it."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

from autopicker_lab.runtime.batch_writer import BatchWriter

logger = logging.getLogger("autopicker_lab.access")
_FLUSH_S = 0.1


class AccessRecord(NamedTuple):
    """One request as it is logged: no prompt, and of the key only its id.

    Attributes:
        time: of its end, in Unix seconds.
        client_request_id: what the client calls it; "" where it says nothing.
        ms: milliseconds that it took.
        key_id: of the caller's API key; "" where access is open.
    """

    time: float
    request_id: str
    client_request_id: str
    method: str
    path: str
    status: int
    ms: float
    key_id: str


class AccessLog:
    """Writes requests to standard error, where the logger `autopicker_lab.access` is on.

    Args:
        log_format: "json" or "text".
    """

    def __init__(self, log_format: str):
        self._format = _as_json if log_format == "json" else _as_text
        self._records: BatchWriter[AccessRecord] = BatchWriter("log lines", self._write, _FLUSH_S)

    def write(self, record: AccessRecord) -> None:
        """Add a request to the next batch of lines."""
        if logger.isEnabledFor(logging.INFO):
            self._records.add(record)

    def close(self) -> None:
        """Write what is still to be written."""
        self._records.close()

    def _write(self, records: list[AccessRecord]) -> None:
        with suppress(OSError, ValueError):  # nobody reads any more
            sys.stderr.write("".join([self._format(record) for record in records]))
            sys.stderr.flush()


def _as_json(record: AccessRecord) -> str:
    fields = {
        "time": datetime.fromtimestamp(record.time, UTC),
        "level": "INFO",
        "logger": logger.name,
        "message": f"{record.method} {record.path} {record.status}",
        "request_id": record.request_id,
        "client_request_id": record.client_request_id,
        "method": record.method,
        "path": record.path,
        "status": record.status,
        "ms": record.ms,
        "key_id": record.key_id,
    }
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE).decode()


def _as_text(record: AccessRecord) -> str:
    time = datetime.fromtimestamp(record.time).strftime("%Y-%m-%d %H:%M:%S")
    return f"{time} INFO    {record.method} {record.path} {record.status} {record.ms:.1f} ms [{record.request_id}]\n"
