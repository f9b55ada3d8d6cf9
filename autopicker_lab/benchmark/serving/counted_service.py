"""The service as its instructions are counted: what it does now and then, it does once, at its end.

python -m autopicker_lab.benchmark.serving.counted_service --port PORT takes the options of the service. Under valgrind
a second holds few requests, and what is done each second would count for many times what it does.
"""

from __future__ import annotations

import gc
import runpy
from importlib import import_module
from typing import TYPE_CHECKING

from autopicker_lab.live import conversations
from autopicker_lab.live.traffic import LiveTraffic
from autopicker_lab.storage import decision_file

if TYPE_CHECKING:
    from autopicker_lab.storage import DecisionLog

_SERVICE = "autopicker_lab.service"  # which is run, and not called
_NEVER_S = 86_400.0


def serve() -> None:
    """Run the service until it is ended."""
    for module, interval in (("app", "SYNC_S"), ("request.disconnect", "WATCH_DELAY_S")):
        import_module(f"{_SERVICE}.{module}").__dict__[interval] = _NEVER_S
    decision_file.FLUSH_S = conversations.FLUSH_S = _NEVER_S
    close = LiveTraffic.close

    def closed(self: LiveTraffic, decisions: DecisionLog) -> None:
        self.open_accounts()
        self.keep(decisions)
        close(self, decisions)

    LiveTraffic.close = closed  # type: ignore[method-assign]  # what each second does
    gc.disable()  # a collection of many objects, or none, would fall into the count by chance
    runpy.run_module(_SERVICE, run_name="__main__")


if __name__ == "__main__":
    serve()
