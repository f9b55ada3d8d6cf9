"""Starting the service."""

from __future__ import annotations

import os
import secrets
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import SettingsError
from autopicker_lab.runtime.addresses import parse_address
from autopicker_lab.service.announcement import announcement
from autopicker_lab.service.observation.log_config import log_config
from autopicker_lab.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_PORT = 8001


def serve(
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    workers: int = 1,
    announce: Callable[[str], object] | None = None,
) -> None:
    """Run until stopped; SettingsError for an invalid setting, before anything listens.

    Args:
        announce: is given the lines that say what is about to be served, and to whom.
    """
    import uvicorn

    from autopicker_lab.service.request import json_body
    from autopicker_lab.service.supervisor import supervise

    settings = Settings.load()
    check_port(host, port)
    if announce is not None:
        announce(announcement(settings, host, port, workers))
    if workers > 1:  # all workers must sign alike
        os.environ.setdefault("SECRET_KEY", secrets.token_hex(32))
    if parse_address(host) is None:  # a name that is listened on is one that it is asked by
        os.environ["ALLOWED_HOSTS"] = ",".join(filter(None, (settings.allowed_hosts, host)))
    _raise_descriptor_limit()
    options: dict[str, Any] = connection_options(json_body.max_bytes(settings)) | {
        "app": "autopicker_lab.service.server:application",
        "factory": True,
        "host": host,
        "port": port,
        "backlog": 4096,
        "workers": workers,
        "log_config": log_config(settings),
        "timeout_graceful_shutdown": settings.shutdown_timeout,
        "timeout_worker_healthcheck": 60,  # loading a model may hold a worker for seconds; it is not dead then
    }
    if workers > 1:
        supervise(uvicorn.Config(**options))
    else:
        uvicorn.run(**options)


def connection_options(max_message_size: int) -> dict[str, Any]:
    """What uvicorn is told about connections, however the service is started.

    Args:
        max_message_size: bytes that a message of a WebSocket may have.
    """
    return {
        "http": "autopicker_lab.service.http_protocol:BoundedHttpProtocol",
        "ws": "autopicker_lab.service.socket_protocol:BoundedSocketProtocol",
        "ws_max_size": max_message_size,
        "ws_per_message_deflate": False,  # forty kilobytes can be forty megabytes, unpacked on the event loop
        "access_log": False,
        "proxy_headers": False,  # uvicorn would believe X-Forwarded-For of anyone on this machine; RateLimiter decides
        "server_header": False,
    }


def check_port(host: str, port: int) -> None:
    """AutopickerError for a port that cannot be listened on, before anything is loaded."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        hint = "end what listens there, or choose another with --port"
        raise SettingsError(f"cannot listen on {host}:{port}: {error.strerror or error}", hint) from None


def _raise_descriptor_limit() -> None:
    """Take as many open files as the system lets this process have: each connection is one."""
    try:
        import resource
    except ImportError:  # not on this system
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # some systems say "without limit" and mean less
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def application() -> object:
    """What each worker runs."""
    import gc

    from autopicker_lab.service.app import create_app

    app = create_app()
    gc.collect()
    gc.freeze()  # what is loaded stays: looking through it for garbage would stop all answers for 40 ms at a time
    gc.set_threshold(10_000, 20, 20)
    return app
