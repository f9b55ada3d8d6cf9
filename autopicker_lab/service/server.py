"""Starting the service."""

from __future__ import annotations

import os
import secrets

from autopicker_lab.settings import Settings

DEFAULT_PORT = 8001
GRACE_S = 20


def serve(host: str = "127.0.0.1", port: int = DEFAULT_PORT, workers: int = 1) -> None:
    """Run until stopped; SettingsError for an invalid setting, before anything listens."""
    import uvicorn

    settings = Settings.load()
    if workers > 1:  # all workers must sign alike
        os.environ.setdefault("SECRET_KEY", secrets.token_hex(32))
    uvicorn.run(
        "autopicker_lab.service.server:application",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        log_config=log_config(settings),
        access_log=False,
        proxy_headers=False,  # uvicorn would believe X-Forwarded-For of anyone on this machine; the Gate decides
        timeout_graceful_shutdown=GRACE_S,
        timeout_worker_healthcheck=60,  # loading a model may hold a worker for seconds; it is not dead then
        ws_max_size=2**20,
        server_header=False,
    )


def application() -> object:
    """What each worker runs."""
    from autopicker_lab.service.app import create_app

    return create_app()


def log_config(settings: Settings) -> dict[str, object]:
    """Logging for the whole process, on standard error."""
    formatters = {
        "text": {"format": "%(asctime)s %(levelname)-7s %(name)s: %(message)s"},
        "json": {
            "class": "pythonjsonlogger.json.JsonFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
            "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
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
