"""Who may use a model's context now: requests that share it wait, in their order, until their tokens fit together."""

from __future__ import annotations

import threading
from collections import deque


class Ticket:
    """A request's place in the queue of an Admission, and what it holds once it is admitted."""

    def __init__(self) -> None:
        self.tokens = 0
        self.admitted = False
        self.cancelled = False


class Admission:
    """Shares a context between requests; thread-safe.

    llama.cpp lets several answers grow into one context, and ends all of them where it is full. A request that has
    reserved what it may grow to cannot be ended by the others.

    Args:
        tokens: the whole context.
        places: requests that may be answered at once.
    """

    def __init__(self, tokens: int, places: int):
        self._total = self._free = tokens
        self._places = places
        self._waiting: deque[Ticket] = deque()
        self._changed = threading.Condition()

    def queue(self) -> Ticket:
        """A place at the end of the queue."""
        ticket = Ticket()
        with self._changed:
            self._waiting.append(ticket)
        return ticket

    def wait(self, ticket: Ticket, tokens: int) -> bool:
        """Wait until so many tokens are free and nobody came earlier; False where the request was cancelled meanwhile.

        A request for more than the whole context gets the whole context, for llama.cpp to refuse.
        """
        ticket.tokens = min(tokens, self._total)
        with self._changed:
            self._changed.wait_for(lambda: ticket.cancelled or self._is_next(ticket))
            if ticket.cancelled:
                return False
            self._waiting.popleft()
            ticket.admitted = True
            self._free -= ticket.tokens
            self._places -= 1
            self._changed.notify_all()
            return True

    def cancel(self, ticket: Ticket) -> None:
        """End the waiting of a request; one that is admitted holds its tokens until it leaves."""
        with self._changed:
            ticket.cancelled = True
            self._changed.notify_all()

    def leave(self, ticket: Ticket) -> None:
        """Give back what a request holds, or its place in the queue; once a request."""
        with self._changed:
            if ticket.admitted:
                self._free += ticket.tokens
                self._places += 1
            else:
                self._waiting.remove(ticket)
            self._changed.notify_all()

    def _is_next(self, ticket: Ticket) -> bool:
        return self._waiting[0] is ticket and self._places > 0 and ticket.tokens <= self._free
