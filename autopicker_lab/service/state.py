"""What the routes hold: the Workbench and the service's own stores."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, NamedTuple, TypeVar

from fastapi import Depends, Request

from autopicker_lab.chat import Attachment, ChatStream
from autopicker_lab.core import (
    AutopickerError,
    ChatReply,
    InvalidRequestError,
    NotFoundError,
    Route,
    UnknownModelError,
    Usage,
    new_id,
)
from autopicker_lab.service.chat.single_flight import SingleFlight
from autopicker_lab.service.observation.metrics import Metrics
from autopicker_lab.service.observation.tracing import Tracing
from autopicker_lab.service.request.auth import Caller, Callers
from autopicker_lab.service.request.disconnect import DisconnectMonitor
from autopicker_lab.service.request.middleware import RequestContext
from autopicker_lab.service.request.rate_limits import ClientLimits
from autopicker_lab.storage import Decision, DecisionLog, FileStore, MemoryCache, OwnedFiles
from autopicker_lab.workbench import Workbench

T = TypeVar("T")
MAX_FILES = 50


class AnswerRecord(NamedTuple):
    """An answer as metrics, budgets and the decision log see it.

    Attributes:
        id: of the completion; `request_id` of the request.
        first_token_s, total_s: seconds; None where unknown.
    """

    id: str
    request_id: str
    caller: Caller
    model: str
    route: Route | None
    usage: Usage = Usage()
    finish_reason: str = "stop"
    first_token_s: float | None = None
    total_s: float | None = None
    traceparent: str = ""

    @classmethod
    def of_reply(cls, reply: ChatReply, request_context: RequestContext) -> AnswerRecord:
        return cls(
            reply.id,
            request_context.request_id,
            request_context.caller,
            reply.model,
            reply.route,
            reply.usage,
            reply.finish_reason,
            reply.first_token_s,
            reply.total_s,
            request_context.traceparent,
        )

    @classmethod
    def begun(cls, stream: ChatStream, request_id: str, caller: Caller, traceparent: str = "") -> AnswerRecord:
        """A streamed answer whose first piece is there."""
        made = f"chatcmpl-{new_id()}"
        return cls(made, request_id, caller, stream.model, stream.route, traceparent=traceparent)

    def ended(self, stream: ChatStream) -> AnswerRecord:
        return self._replace(
            usage=stream.usage,
            finish_reason=stream.finish_reason or "cancelled",
            first_token_s=stream.first_token_s,
            total_s=stream.total_s,
        )

    @property
    def fallback_used(self) -> bool:
        return self.route is not None and self.route.model != self.model

    def decision(self, cost_usd: float, prompt: str | None) -> Decision:
        """The row of the decision log."""
        route = self.route
        return Decision(
            chat_id=self.id,
            request_id=self.request_id,
            created=time.time(),
            model=self.model,
            policy=route.policy if route else None,
            complexity=route.complexity.score if route else None,
            prompt_tokens=self.usage.prompt_tokens,
            completion_tokens=self.usage.completion_tokens,
            cost_usd=cost_usd,
            latency_s=self.total_s,
            routing_score=route.score if route and not route.named else None,
            first_token_s=self.first_token_s,
            prompt=prompt,
            key_id=self.caller.id or None,
        )


@dataclass
class ServiceState:
    lab: Workbench
    metrics: Metrics
    decisions: DecisionLog
    cache: MemoryCache
    callers: Callers
    limits: ClientLimits
    single_flight: SingleFlight = field(default_factory=SingleFlight)
    tracing: Tracing = field(default_factory=Tracing)
    disconnects: DisconnectMonitor = field(default_factory=DisconnectMonitor)
    load_test: asyncio.Lock = field(default_factory=asyncio.Lock)

    def files(self, caller: Caller) -> FileStore | OwnedFiles:
        """The uploads that a caller may see: a key of the key file its own, others all."""
        return self.lab.files if caller.key is None else OwnedFiles(self.lab.files, caller.id)

    async def check_files(self, file_ids: Sequence[str], caller: Caller) -> None:
        """UnknownFileError for an id that is not there, InvalidRequestError for too many."""
        if len(file_ids) > MAX_FILES:
            detail = f"{len(file_ids)} files are too many for one request"
            raise InvalidRequestError(detail, f"send at most {MAX_FILES}", param="file_ids")
        for file_id in dict.fromkeys(file_ids):
            await asyncio.to_thread(self.files(caller).get, file_id)

    async def attach(self, file_ids: Sequence[str], caller: Caller) -> tuple[list[Attachment], list[dict[str, str]]]:
        """Uploads read for a question, and which of them could not be; an unknown id is an UnknownFileError.

        Where not one can be read, the first one's error is raised.
        """
        await self.check_files(file_ids, caller)
        attachments: list[Attachment] = []
        failures: list[dict[str, str]] = []
        first: AutopickerError | None = None
        for file_id in dict.fromkeys(file_ids):
            file = await asyncio.to_thread(self.files(caller).open, file_id)
            try:
                attachments.append(await self.lab.reader.attach(file))
            except AutopickerError as error:
                first = first or error
                failures.append({"file_id": file_id, "filename": file.name, "error": str(error)})
        if first is not None and not attachments:
            raise first
        return attachments, failures

    async def judge(self, request_id: str, score: float) -> None:
        """Keep feedback; an answer that another worker has just given is waited for."""
        for pause_s in (1.2 if self.lab.settings.decision_log else None, None):
            try:
                await asyncio.to_thread(self.decisions.feedback, request_id, score)
            except NotFoundError:
                if pause_s is None:
                    raise
                await asyncio.sleep(pause_s)
            else:
                return

    def remember(self, answered: AnswerRecord, question: str) -> None:
        """Count an answer and keep its decision, for metrics, budgets and feedback."""
        usage = answered.usage
        try:
            spec = self.lab.catalogue.get(answered.model).describe()
            provider, cost = spec.provider, spec.cost_usd(usage.prompt_tokens, usage.completion_tokens)
        except UnknownModelError:  # its server took it away while it answered
            provider, cost = "unknown", 0.0
        self.metrics.answered(answered, cost)
        self.callers.spend(answered.caller, cost)
        self.tracing.answered(answered, provider, cost)
        kept = question if self.lab.settings.decision_log_prompts else None
        self.decisions.record(answered.decision(cost, kept))


def state_of(request: Request) -> ServiceState:
    found: ServiceState = request.app.state.service
    return found


def files_of(request: Request) -> FileStore | OwnedFiles:
    request_context: RequestContext = request.scope["request_context"]
    return state_of(request).files(request_context.caller)


def caller_of(request: Request) -> Caller:
    request_context: RequestContext = request.scope["request_context"]
    return request_context.caller


State = Annotated[ServiceState, Depends(state_of)]
Files = Annotated[FileStore | OwnedFiles, Depends(files_of)]
Asker = Annotated[Caller, Depends(caller_of)]


async def while_connected(request: Request, work: Callable[[], Awaitable[T]]) -> T:
    """The result of `work`, which is cancelled when the client goes away; ClientDisconnect then."""
    with state_of(request).disconnects.wait(request.receive):
        return await work()
