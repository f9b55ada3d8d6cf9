"""Starting the service."""

from __future__ import annotations

import os
import secrets
import socket

from autopicker_lab.core import SettingsError
from autopicker_lab.service.observation.log_config import log_config
from autopicker_lab.settings import Settings

DEFAULT_PORT = 8001


def serve(host: str = "127.0.0.1", port: int = DEFAULT_PORT, workers: int = 1) -> None:
    """Run until stopped; SettingsError for an invalid setting, before anything listens."""
    import uvicorn

    settings = Settings.load()
    check_port(host, port)
    if workers > 1:  # all workers must sign alike
        os.environ.setdefault("SECRET_KEY", secrets.token_hex(32))
    uvicorn.run(
        "autopicker_lab.service.server:application",
        factory=True,
        host=host,
        port=port,
        http="httptools",
        backlog=4096,
        workers=workers,
        log_config=log_config(settings),
        access_log=False,
        proxy_headers=False,  # uvicorn would believe X-Forwarded-For of anyone on this machine; RateLimiter decides
        timeout_graceful_shutdown=settings.shutdown_timeout,
        timeout_worker_healthcheck=60,  # loading a model may hold a worker for seconds; it is not dead then
        ws_max_size=2**20,
        server_header=False,
    )


def check_port(host: str, port: int) -> None:
    """AutopickerError for a port that cannot be listened on, before anything is loaded."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        hint = "end what listens there, or choose another with --port"
        raise SettingsError(f"cannot listen on {host}:{port}: {error.strerror or error}", hint) from None


def application() -> object:
    """What each worker runs."""
    import gc

    from autopicker_lab.service.app import create_app

    app = create_app()
    gc.collect()
    gc.freeze()  # what is loaded stays: looking through it for garbage would stop all answers for 40 ms at a time
    gc.set_threshold(10_000, 20, 20)
    return app
