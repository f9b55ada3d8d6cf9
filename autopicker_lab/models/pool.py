"""Several servers under one name: the least busy is asked, one that fails is set aside, another stands in for it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from contextlib import aclosing
from dataclasses import replace
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from autopicker_lab.core import (
    AutopickerError,
    ChatChunk,
    ChatReply,
    ChatRequest,
    ModelBusyError,
    ModelSpec,
    ModelUnavailableError,
    RateLimitError,
    SettingsError,
    UpstreamQuotaError,
    Vision,
)
from autopicker_lab.http_client import is_loopback
from autopicker_lab.models.base import FAULTS, Availability, ChatModel
from autopicker_lab.models.embedding import EmbeddingModel, Embeddings, Inputs
from autopicker_lab.runtime.circuit_breaker import BreakerPolicy, CircuitBreaker

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping

log = logging.getLogger(__name__)
T = TypeVar("T")
_POLICY = BreakerPolicy(failures=3, first_rest_s=5.0, longest_rest_s=60.0, jitter=0.2)
_LIMITED_S, _LONGEST_S = 5.0, 60.0  # rest of a server over its rate limit: where it names no time, and at most


def pooled(models: Iterable[ChatModel]) -> list[ChatModel]:
    """The models, those of one name as one; SettingsError where a name has models of several types."""
    groups: dict[str, list[ChatModel]] = {}
    for model in models:
        groups.setdefault(model.describe().id, []).append(model)
    return [group[0] if len(group) == 1 else ModelPool(group) for group in groups.values()]


class _Member:
    """One server of a pool.

    Attributes:
        is_up: whether it answered the last probe.
        is_limited: it rests since it is over its rate limit or quota, and not since it failed.
    """

    def __init__(self, model: ChatModel):
        self.model = model
        self.breaker = CircuitBreaker(_POLICY)
        self.is_up = True
        self.is_limited = False
        self._turn = 0

    def order(self) -> tuple[bool, int, int]:
        """Who is asked sooner: one that is up, the least busy, the one not asked for longest."""
        return not self.is_up, self.model.pending(), self._turn

    def take_turn(self, number: int) -> None:
        """Remember when it was asked."""
        self._turn = number

    def failed(self, error: AutopickerError) -> None:
        """Set it aside, after so many failures, or for as long as its server says."""
        self.is_limited = isinstance(error, RateLimitError)
        if isinstance(error, UpstreamQuotaError):
            self.breaker.rest(_LONGEST_S)
        elif isinstance(error, RateLimitError | ModelBusyError):
            self.breaker.rest(min(error.retry_after or _LIMITED_S, _LONGEST_S))
        else:
            self.breaker.failed(error)


class ModelPool:
    """One model that several servers have: a ChatModel over theirs.

    Its entry in the catalogue promises what each of them can hold: the capabilities that all have, the smallest window,
    the highest price.

    Args:
        models: two or more, of one name and one type; SettingsError where the types differ.
    """

    def __init__(self, models: Iterable[ChatModel]):
        self._members = [_Member(model) for model in models]
        self._spec = _joint([member.model.describe() for member in self._members])
        self._turns = 0

    def describe(self) -> ModelSpec:
        """The model's entry in the catalogue."""
        return self._spec

    async def available(self) -> Availability:
        """Whether one of the servers would answer."""
        answers = await asyncio.gather(*(member.model.available() for member in self._members))
        for member, answer in zip(self._members, answers, strict=True):
            member.is_up = answer.ok
        if not any(answer.ok for answer in answers):
            return answers[0]
        servers = [(m.model.describe().endpoint, m.model.describe().model) for m in self._members]
        told = [answer.digest for answer in answers]
        return Availability(True, digest=hashlib.sha256(repr((servers, told)).encode()).hexdigest())

    def pending(self) -> int:
        """Requests that are being answered, or wait to be."""
        return sum(member.model.pending() for member in self._members)

    async def complete(self, request: ChatRequest) -> ChatReply:
        """The whole answer."""
        member, reply = await self._first(lambda model: model.complete(request))
        member.breaker.succeeded()
        return reply

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        """The answer as it is made; another server stands in for one that fails before its first piece."""
        member, (chunks, chunk) = await self._first(lambda model: _begin(model, request))
        async with aclosing(chunks):
            while chunk is not None:
                yield chunk
                try:
                    chunk = await anext(chunks, None)
                except FAULTS as error:
                    member.failed(error)
                    raise
        member.breaker.succeeded()

    async def embed(self, inputs: Inputs, dimensions: int | None, options: Mapping[str, Any]) -> Embeddings:
        """Vectors of the inputs; see EmbeddingModel."""

        async def embedding(model: ChatModel) -> Embeddings:
            assert isinstance(model, EmbeddingModel)  # all are of one type, and that one has it
            return await model.embed(inputs, dimensions, options)

        member, embeddings = await self._first(embedding)
        member.breaker.succeeded()
        return embeddings

    async def close(self) -> None:
        """Give back memory and the running loop's connections."""
        for member in self._members:
            await member.model.close()

    async def _first(self, call: Callable[[ChatModel], Awaitable[T]]) -> tuple[_Member, T]:
        """What the first server that does not fail makes of a call; the error of the last where all do."""
        failure: AutopickerError | None = None
        for member in sorted(self._members, key=_Member.order):
            if member.breaker.admit():
                continue
            self._turns += 1
            member.take_turn(self._turns)
            try:
                return member, await call(member.model)
            except (*FAULTS, RateLimitError) as error:
                log.info("a server of '%s' failed (%s): the next is asked", self._spec.id, error.loggable)
                member.failed(error)
                failure = error
        if failure is not None:
            raise failure
        wait = min(member.breaker.resting_s() for member in self._members)
        if all(member.is_limited for member in self._members):
            detail = f"all servers of '{self._spec.id}' are over their rate limits"
            raise RateLimitError(detail, "try again later", retry_after=wait)
        raise ModelUnavailableError(f"all servers of '{self._spec.id}' rest", "look into their logs", retry_after=wait)


async def _begin(model: ChatModel, request: ChatRequest) -> tuple[AsyncGenerator[ChatChunk, None], ChatChunk | None]:
    """A model's stream and its first piece."""
    chunks = model.stream(request)
    return chunks, await anext(chunks, None)


def _joint(specs: list[ModelSpec]) -> ModelSpec:
    """What all servers can hold, at the endpoint of one that is not on this machine, if any is."""
    if len({spec.provider for spec in specs}) > 1:
        kinds = " and ".join(sorted({spec.provider for spec in specs}))
        raise SettingsError(f"'{specs[0].id}' is the name of models of {kinds}", "give each type a name of its own")
    endpoints = [spec.endpoint for spec in specs]
    bounds = [spec.max_concurrency for spec in specs]
    return replace(
        specs[0],
        endpoint=next((e for e in endpoints if not is_loopback(urlsplit(e).hostname or "localhost")), endpoints[0]),
        capabilities=reduce(and_, (spec.capabilities for spec in specs)),
        unconfirmed=reduce(or_, (spec.unconfirmed for spec in specs)),
        context_window=min(spec.context_window for spec in specs),
        max_output=min(spec.max_output for spec in specs),
        price_in=max(spec.price_in for spec in specs),
        price_out=max(spec.price_out for spec in specs),
        image_urls=all(spec.image_urls for spec in specs),
        max_concurrency=None if None in bounds else sum(bound or 0 for bound in bounds),
        vision=reduce(Vision.both, (spec.vision for spec in specs)),
        aliases=tuple(dict.fromkeys(alias for spec in specs for alias in spec.aliases)),
    )
