"""The service in a thread of this process: for notebooks, and for trying things out."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Self

from autopicker_lab.core import AutopickerError, InvalidRequestError, SettingsError, StorageError
from autopicker_lab.core.show import html_table
from autopicker_lab.service.server import connection_options
from autopicker_lab.settings import Settings
from autopicker_lab.workbench import Workbench

if TYPE_CHECKING:
    from types import TracebackType

_START_S = 60.0
_STOP_S = 20.0


class ServiceThread:
    """An ASGI application that listens on loopback until `stop`, or the end of a `with`.

    Args:
        port: 0 takes a free one.
        max_message_size: bytes that a message of a WebSocket may have.

    Attributes:
        url: where it listens.

    Raises:
        SettingsError: it did not start, because the port is taken, say.
    """

    def __init__(self, app: Any, port: int = 0, max_message_size: int = 2**20):
        import uvicorn

        options = connection_options(max_message_size)
        config = uvicorn.Config(
            app, host="127.0.0.1", port=port, log_config=None, timeout_graceful_shutdown=5, **options
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="autopicker service", daemon=True)
        self._thread.start()
        deadline = time.monotonic() + _START_S
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                self._server.should_exit = True
                hint = "take another port (port=0 finds one), and read what was logged"
                raise SettingsError(f"the service did not start on port {port}", hint)
            time.sleep(0.01)
        self.url = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        """End it when its answers under way have ended, or after five seconds."""
        self._server.should_exit = True
        self._thread.join(_STOP_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"ServiceThread({self.url!r}{'' if self._thread.is_alive() else ', stopped'})"

    def _repr_html_(self) -> str:
        if not self._thread.is_alive():
            return html_table([], [], f"{self.url}: stopped")
        pages = {"a page to chat": "/", "documentation": "/docs", "health": "/health", "for Prometheus": "/metrics"}
        links = [f"<a href='{self.url}{path}' target='_blank'>{name}</a>" for name, path in pages.items()]
        return f"<b>{self.url}</b>: " + ", ".join(links)

    def _run(self) -> None:
        try:
            self._server.run()
        except SystemExit:
            return  # uvicorn's way to say that it cannot listen; its thread has ended, which is seen


def start(lab: Workbench | None = None, *, port: int = 0, **settings: Any) -> ServiceThread:
    """Serve the HTTP API from a thread: `with start() as served: ...`.

    Args:
        lab: whose models, files and policy are served; stopping the service closes it. None: a new one.
        settings: of a new Workbench, over those of the environment (decision_log=..., allowed_origins="*" ...).
    """
    from autopicker_lab.service.app import create_app
    from autopicker_lab.service.request import json_body

    if lab is not None and settings:
        raise InvalidRequestError("a Workbench has its own settings", "give it, or settings, and not both")
    workbench = lab or Workbench(Settings.load(**settings))
    try:
        return ServiceThread(create_app(workbench), port, json_body.max_bytes(workbench.settings))
    except (AutopickerError, OSError) as error:
        if lab is None:
            workbench.close()
        if isinstance(error, OSError):
            raise StorageError.of(error, error.filename or "a file") from None
        raise
