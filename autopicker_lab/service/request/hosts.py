"""By which names a service that needs no key may be asked.

A page of any site can let its own name point to this machine (DNS rebinding) and then read answers as if they were the
site's. The browser sends that name as Host. Where a key is needed, the page does not have it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.runtime.addresses import parse_address, split_port

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autopicker_lab.settings import Settings

_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[\w.\-]+)(:\d*)?", re.ASCII)
_REMEMBERED = 1024  # hosts whose verdict is kept


class HostCheck:
    """Knows the names in ALLOWED_HOSTS, those of this machine for itself, and the address it is reached at."""

    def __init__(self, settings: Settings):
        entries = [split_port(entry).lower().rstrip(".") for entry in settings.allowed_hosts.split(",")]
        self._names = frozenset(entry for entry in entries if entry and not entry.startswith("*."))
        self._suffixes = tuple(entry[1:] for entry in entries if entry.startswith("*."))
        self._verdict = lru_cache(_REMEMBERED)(self._is_allowed)

    def check(self, scope: Any, headers: Mapping[bytes, bytes]) -> None:
        """InvalidRequestError for a request that asks for another host; browsers always say for which."""
        host = headers.get(b"host")
        if host is None:
            return
        server = scope.get("server")
        name = host.decode("latin-1")
        if not self._verdict(name, str(server[0]) if server else ""):
            detail = f"the service is not to be asked by the name {name[:100]!r}"
            raise InvalidRequestError(
                detail, "add the name to ALLOWED_HOSTS, or make a key by `autopicker keys create`"
            )

    def _is_allowed(self, host: str, server: str) -> bool:
        if "*" in self._names:
            return True
        if not _HOST.fullmatch(host):
            return False
        name = split_port(host).lower().rstrip(".")
        if name in self._names or name == "localhost" or name.endswith((".localhost", *self._suffixes)):
            return True
        address, reached = parse_address(name), parse_address(server)
        if address is None:
            return False
        if address.is_loopback or address == reached:
            return True
        return reached is not None and not reached.is_loopback  # behind the addresses of a container or a router
