"""Logging for the whole process, on standard error: text for people, or one JSON object a line."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from pythonjsonlogger.core import RESERVED_ATTRS

if TYPE_CHECKING:
    from autopicker_lab.settings import Settings


class LineFormatter(logging.Formatter):
    """A message in one line of printable characters, so that nothing in it can look like another line."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's own name
        """The line of a record, before its traceback."""
        if not record.message.isprintable():
            escaped = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in record.message)
            record.message = "".join(escaped)
        return super().formatMessage(record)


def log_config(settings: Settings) -> dict[str, Any]:
    """What logging.config.dictConfig takes. No prompt and no key is logged; an upstream's words in its errors are."""
    formatters = {
        "text": {"()": LineFormatter, "fmt": "%(asctime)s %(levelname)-7s %(name)s: %(message)s"},
        "json": {
            "()": "pythonjsonlogger.orjson.OrjsonFormatter",
            "fmt": "%(levelname)s %(name)s %(message)s",
            "rename_fields": {"levelname": "level", "name": "logger"},
            "timestamp": "time",
            "reserved_attrs": [*RESERVED_ATTRS, "color_message"],
        },
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": formatters,
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": settings.log_format}},
        "root": {"level": settings.log_level, "handlers": ["stderr"]},
        "loggers": {"faster_whisper": {"level": "WARNING"}, "httpx": {"level": "WARNING"}},
    }
