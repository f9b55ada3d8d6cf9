"""A line for each request, written ten times a second: a write for each would cost more than many a request."""

from __future__ import annotations

import logging
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

logger = logging.getLogger("autopicker_lab.access")
_FLUSH_S = 0.1
_MOST_WAITING = 100_000  # lines, while their reader is slow


class Line(NamedTuple):
    """One request as it is logged: no prompt, no key but its id; `time` in Unix seconds."""

    time: float
    request_id: str
    method: str
    path: str
    status: int
    ms: float
    key_id: str


class AccessLog:
    """Where the logger `autopicker_lab.access` is on, lines go to standard error as `log_format` says.

    A thread of its own writes them, so that a slow reader of the log holds nobody up.
    """

    def __init__(self, log_format: str):
        self._json = log_format == "json"
        self._waiting: list[Line] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._writer: threading.Thread | None = None

    def write(self, line: Line) -> None:
        if not logger.isEnabledFor(logging.INFO):
            return
        if len(self._waiting) < _MOST_WAITING:
            self._waiting.append(line)
        if self._writer is None:
            self._writer = threading.Thread(target=self._write_on, name="access log", daemon=True)
            self._writer.start()

    def flush(self) -> None:
        with self._lock:
            lines, self._waiting = self._waiting, []
            if lines:
                shape = _as_json if self._json else _as_text
                with suppress(OSError, ValueError):  # nobody reads any more
                    sys.stderr.write("".join([shape(line) for line in lines]))
                    sys.stderr.flush()

    def close(self) -> None:
        self._closing.set()
        if self._writer is not None:
            self._writer.join(5)
        self.flush()

    def _write_on(self) -> None:
        while not self._closing.wait(_FLUSH_S):
            self.flush()


def _as_json(line: Line) -> str:
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


def _as_text(line: Line) -> str:
    time = datetime.fromtimestamp(line.time).strftime("%Y-%m-%d %H:%M:%S")
    return f"{time} INFO    {line.method} {line.path} {line.status} {line.ms:.1f} ms [{line.request_id}]\n"
