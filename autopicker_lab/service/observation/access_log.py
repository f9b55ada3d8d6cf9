"""A line for each request, written ten times a second: a write for each would cost more than many a request."""

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
    """One request as it is logged: no prompt, no key but its id; `time` in Unix seconds."""

    time: float
    request_id: str
    method: str
    path: str
    status: int
    ms: float
    key_id: str


class AccessLog:
    """Where the logger `autopicker_lab.access` is on, lines go to standard error as `log_format` says."""

    def __init__(self, log_format: str):
        self._shape = _as_json if log_format == "json" else _as_text
        self._lines: BatchWriter[AccessRecord] = BatchWriter("log lines", self._write, _FLUSH_S)

    def write(self, line: AccessRecord) -> None:
        if logger.isEnabledFor(logging.INFO):
            self._lines.add(line)

    def close(self) -> None:
        self._lines.close()

    def _write(self, lines: list[AccessRecord]) -> None:
        with suppress(OSError, ValueError):  # nobody reads any more
            sys.stderr.write("".join([self._shape(line) for line in lines]))
            sys.stderr.flush()


def _as_json(line: AccessRecord) -> str:
    said = {
        "time": datetime.fromtimestamp(line.time, UTC),
        "level": "INFO",
        "logger": logger.name,
        "message": f"{line.method} {line.path} {line.status}",
        "request_id": line.request_id,
        "method": line.method,
        "path": line.path,
        "status": line.status,
        "ms": line.ms,
        "key_id": line.key_id,
    }
    return orjson.dumps(said, option=orjson.OPT_APPEND_NEWLINE).decode()


def _as_text(line: AccessRecord) -> str:
    time = datetime.fromtimestamp(line.time).strftime("%Y-%m-%d %H:%M:%S")
    return f"{time} INFO    {line.method} {line.path} {line.status} {line.ms:.1f} ms [{line.request_id}]\n"
