"""The open connections of one process: how many an address may have, and which of them have waited too long."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Protocol

from autopicker_lab.runtime.addresses import AddressSet, client_network, parse_address

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

log = logging.getLogger(__name__)
MAX_CONNECTIONS = 1024  # of one client address
MAX_HEAD = 65_536  # bytes of a request line and its headers
MAX_HEADERS = 100
HEAD_S = 10.0  # seconds for the head of a request, and for a connection's first byte
PATIENCE_S = 20.0  # seconds that a body may take beside what it takes at the least rate
UNREAD_S = 30.0  # seconds that a client may leave an answer unread, beside the same
LINGER_S = 2.0  # for which a client that was refused may go on sending, so that it reads why
KEEP_ALIVE_S = 65  # longer than nginx and most clients keep an idle connection: who closes first loses no request
MIN_RATE = 1024  # bytes a second, of bodies that come in and of answers that go out
MAX_HELD = 2**30  # bytes of bodies and messages that are not whole yet, from which on the large ones are given up
_LARGE = 2**20
_CHECK_S = 1.0
_STATE_KEY = "connections"


class ClientConnection(Protocol):
    """What a protocol of the server tells and does."""

    @property
    def client_host(self) -> str:
        """The address at the other end; "" where the socket has none."""

    @property
    def waiting(self) -> bool:
        """Whether it has no whole request yet, so that ending it loses no answer."""

    @property
    def held(self) -> int:
        """Bytes of a body or message that is not whole yet."""

    def check(self, now: float) -> None:
        """End it where it has waited too long; called about once a second, `now` in the loop's seconds."""

    def make_way(self) -> None:
        """Give up a large body or message that is not whole yet."""

    def end(self) -> None:
        """End it at once."""


class Connections:
    """The connections of one server, checked once a second while there are any.

    Args:
        limit: connections that one client address may have; a further one takes the place of one that waits.
        proxies: addresses that many clients come from, which are not counted.
        total: connections in all, from which on any further one takes the place of one that waits.
    """

    def __init__(self, limit: int = MAX_CONNECTIONS, proxies: AddressSet | None = None, total: int | None = None):
        self._limit = limit
        self._proxies = proxies or AddressSet()
        self._total = total or _half_of_descriptors()
        self._count = 0
        self._by_client: dict[str, dict[ClientConnection, None]] = {}  # each client's in the order of their coming
        self._loop: asyncio.AbstractEventLoop | None = None

    @classmethod
    def of(cls, app_state: MutableMapping[str, Any]) -> Connections:
        """Those of the server whose lifespan has this state: made by the application, or else here."""
        connections: Connections | None = app_state.get(_STATE_KEY)
        if connections is None:
            connections = app_state[_STATE_KEY] = cls()
        return connections

    def as_state(self) -> dict[str, Any]:
        """What an application's lifespan yields, so that its server uses these."""
        return {_STATE_KEY: self}

    def add(self, connection: ClientConnection) -> bool:
        """Count a connection; False where its client has too many, and all of them are being answered."""
        client, limited = self._client_of(connection)
        own = self._by_client.setdefault(client, {})
        full = limited and len(own) >= self._limit
        if full and not self._make_room(own):
            return False
        if self._count >= self._total:
            self._make_room(max(self._by_client.values(), key=len))
        own[connection] = None
        self._count += 1
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.call_later(_CHECK_S, self._check)
        return True

    def discard(self, connection: ClientConnection) -> None:
        """Count a connection no more."""
        client, _ = self._client_of(connection)
        own = self._by_client.get(client)
        if own is None or connection not in own:
            return
        del own[connection]
        self._count -= 1
        if not own:
            del self._by_client[client]

    def _make_room(self, connections: dict[ClientConnection, None]) -> bool:
        """End the first of these that waits; False where none does."""
        for connection in connections:
            if connection.waiting:
                del connections[connection]  # now: it is lost only later, and the next one is to end another
                self._count -= 1
                connection.end()
                return True
        return False

    def _client_of(self, connection: ClientConnection) -> tuple[str, bool]:
        """What a connection is counted under, and whether its number is limited."""
        address = parse_address(connection.client_host)
        if address is None:
            return "", False
        return client_network(address), address not in self._proxies

    def _check(self) -> None:
        loop = self._loop
        assert loop is not None
        now = loop.time()
        every = [connection for own in self._by_client.values() for connection in own]
        for connection in every:
            try:
                connection.check(now)
            except Exception:  # the others are still to be looked at
                log.exception("a connection could not be checked")
        _bound_held(every)
        if self._count:
            loop.call_later(_CHECK_S, self._check)
        else:
            self._loop = None


def _bound_held(every: Sequence[ClientConnection]) -> None:
    """Where clients that send have too much of this process's memory, give up what is large, the largest first."""
    held = sum(connection.held for connection in every)
    if held <= MAX_HELD:
        return
    for connection in sorted(every, key=lambda one: one.held, reverse=True):
        size = connection.held
        if held <= MAX_HELD or size < _LARGE:
            return
        held -= size
        connection.make_way()


class Pace:
    """Whether something moves at the least rate, as seen once a second."""

    __slots__ = ("_before", "_since")

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin again at the next look."""
        self._since: float | None = None
        self._before = 0

    def too_slow(self, moved: int, patience_s: float, now: float) -> bool:
        """Whether it took longer than `patience_s` and the time that its bytes take; `moved` counts them so far."""
        if self._since is None:
            self._since, self._before = now, moved
        return now - self._since > patience_s + (moved - self._before) / MIN_RATE


class UnreadAnswer:
    """Watches what a client has not read of what was sent to it."""

    __slots__ = ("_buffered", "_moved", "_pace")

    def __init__(self) -> None:
        self._pace = Pace()
        self.restart()

    def restart(self) -> None:
        """The client has read."""
        self._pace.restart()
        self._buffered = self._moved = 0

    def too_slow(self, buffered: int, now: float) -> bool:
        """Whether it reads too slowly; `buffered` bytes wait to be sent. More that is written is no progress."""
        if not buffered:
            self.restart()
            return False
        self._moved += max(0, self._buffered - buffered)
        self._buffered = buffered
        return self._pace.too_slow(self._moved, UNREAD_S, now)


def _half_of_descriptors() -> int:
    """Half of the files that this process may have open: the others are for upstreams, uploads and Redis."""
    try:
        import resource
    except ImportError:  # not on this system
        return 1_000_000
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(64, soft // 2) if soft > 0 else 1_000_000
