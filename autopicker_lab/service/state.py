"""What the routes share: the Workbench and the service's own stores."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request

from autopicker_lab.chat import Attachment
from autopicker_lab.core import (
    AutopickerError,
    ChatRequest,
    InvalidRequestError,
    NotFoundError,
    UnknownFileError,
    UnknownModelError,
)
from autopicker_lab.live.shadow import Answered
from autopicker_lab.live.traffic import LiveTraffic
from autopicker_lab.models.embedding import Embeddings, Inputs
from autopicker_lab.service.drift_watch import DriftWatch
from autopicker_lab.service.observation.answer_record import AnswerRecord
from autopicker_lab.service.observation.metrics import Metrics
from autopicker_lab.service.observation.tracing import Tracing
from autopicker_lab.service.request.auth import Authenticator, Caller
from autopicker_lab.service.request.budgets import Budgets
from autopicker_lab.service.request.context import RequestContext
from autopicker_lab.service.request.disconnect import DisconnectMonitor
from autopicker_lab.service.request.rate_limits import RateLimiter
from autopicker_lab.service.request.revocation import KeyWatch
from autopicker_lab.storage import DecisionLog, FileStore, MemoryCache, OwnedFiles, ResponseStore, StoredFile
from autopicker_lab.storage.decision import ANYONE
from autopicker_lab.workbench import Workbench

T = TypeVar("T")
MAX_FILES = 50
_KEPT_PROMPT = 100_000  # characters of a question that are kept with its decision


@dataclass
class ServiceState:
    """The one state of a service, found by routes in `app.state.service`.

    Attributes:
        cache: answers by the key of their request.
        load_test: held while the service tests itself.
        drift: the watch over what the policy routes.
        live: what is done to requests on the service's own account.
    """

    lab: Workbench
    metrics: Metrics
    decisions: DecisionLog
    cache: MemoryCache
    authenticator: Authenticator
    budgets: Budgets
    limiter: RateLimiter
    key_watch: KeyWatch
    responses: ResponseStore
    tracing: Tracing = field(default_factory=Tracing)
    disconnects: DisconnectMonitor = field(default_factory=DisconnectMonitor)
    load_test: asyncio.Lock = field(default_factory=asyncio.Lock)
    speakers: int = 0  # whose speech is heard while they say it
    drift: DriftWatch = field(init=False)
    live: LiveTraffic = field(init=False)

    def __post_init__(self) -> None:
        self.drift = DriftWatch(self.lab.pipeline, self.decisions)
        self.live = LiveTraffic(self.lab.settings, self.budgets.ledger, self.lab.pipeline, lambda: self.metrics.running)

    def files(self, caller: Caller) -> FileStore | OwnedFiles:
        """The uploads that a caller may see: a key of the key file its own, others all."""
        if caller.key is None:
            return self.lab.files
        return OwnedFiles(self.lab.files, caller.id, self.lab.settings.upload_quota)

    async def file_records(self, file_ids: Sequence[str], caller: Caller) -> list[StoredFile]:
        """The records of uploads, each id once; UnknownFileError for one that is not there.

        Raises:
            InvalidRequestError: for too many.
        """
        if len(file_ids) > MAX_FILES:
            detail = f"{len(file_ids)} files are too many for one request"
            raise InvalidRequestError(detail, f"send at most {MAX_FILES}", param="file_ids")
        files = self.files(caller)
        return [await asyncio.to_thread(files.get, file_id) for file_id in dict.fromkeys(file_ids)]

    async def attach(self, file_ids: Sequence[str], caller: Caller) -> tuple[list[Attachment], list[dict[str, str]]]:
        """Uploads read for a question, and which of them could not be; an unknown id is an UnknownFileError.

        Where not one can be read, the first one's error is raised.
        """
        records = await self.file_records(file_ids, caller)
        attachments: list[Attachment] = []
        failures: list[dict[str, str]] = []
        first_error: AutopickerError | None = None
        for file_id, record in zip(dict.fromkeys(file_ids), records, strict=True):
            try:
                attachments.append(await self.lab.reader.attach_upload(record, self.lab.files.load))
            except UnknownFileError:
                raise  # deleted since its record was read
            except AutopickerError as error:
                first_error = first_error or error
                failures.append({"file_id": file_id, "filename": record.name, "error": str(error)})
        if first_error is not None and not attachments:
            raise first_error
        return attachments, failures

    async def store_feedback(
        self, request_id: str, caller: Caller, score: float | None, signal: str | None = None, *, patient: bool = True
    ) -> None:
        """Keep feedback on an answer of the caller's; one that another worker has just given is waited for.

        As with uploads, a key of the key file has its own, and whoever runs the service may judge all.

        Args:
            request_id: of the request, or of its answer in the words of any dialect.
            patient: whether to wait.
        """
        name = decision_id(request_id)
        by = caller.id or None if caller.key is not None or not caller.id else ANYONE

        def keep() -> None:
            if score is not None:
                self.decisions.feedback(name, score, by)
            if signal is not None:
                self.decisions.signal(name, signal, by)

        for pause_s in (1.2 if patient and self.lab.settings.decision_log else None, None):
            try:
                await asyncio.to_thread(keep)
            except NotFoundError:
                if pause_s is None:
                    raise
                await asyncio.sleep(pause_s)
            else:
                return

    async def embed(
        self, caller: Caller, name: str, inputs: Inputs, dimensions: int | None, options: Mapping[str, Any]
    ) -> tuple[str, Embeddings, int]:
        """Vectors of texts, charged to the caller: (id of the model, vectors, tokens)."""
        embedder = self.lab.embedder
        spec = embedder.spec(name, caller.models)
        estimated = embedder.check(spec, inputs)
        async with self.budgets.reserve(caller, spec.cost_usd(estimated, 0)):
            made = await embedder.embed(spec, inputs, dimensions, options)
            tokens = made.tokens or estimated
            cost = spec.cost_usd(tokens, 0)
            self.budgets.charge(caller, cost)
        self.metrics.record_embeddings(spec.id, tokens, cost)
        return spec.id, made, tokens

    def kept_prompt(self, request: ChatRequest) -> str | None:
        """The question as it is kept with its decision; None where questions are not."""
        return request.question[:_KEPT_PROMPT] if self.lab.settings.decision_log_prompts else None

    def shadow(self, record: AnswerRecord, request: ChatRequest, text: str) -> None:
        """Have another model asked the same, now that the answer has left."""
        live, route = self.live, record.route
        if live.shadow is None or route is None or route.named or record.cascade is not None:
            return
        prompt, stays = self.kept_prompt(request), live.must_stay(request, route)
        key_id = record.caller.id or None
        live.shadow.offer(Answered(record.id, request, route, record.model, text, key_id, prompt, stays))

    def record_answer(self, record: AnswerRecord, request: ChatRequest) -> float:
        """Count an answer and keep its decision, for metrics, budgets, traces and feedback; returns its cost in USD."""
        usage = record.usage
        try:
            spec = self.lab.catalogue.get(record.model).describe()
            provider, cost = spec.provider, usage.cost_usd(spec)
        except UnknownModelError:  # its server took it away while it answered
            provider, cost = "unknown", 0.0
        self.metrics.record_answer(record, cost)
        cost += record.earlier_usd
        self.budgets.charge(record.caller, cost - record.charged_usd)
        self.tracing.record_answer(record, provider, cost)
        counted = self.lab.pipeline.policy.reference.get("features", ())
        self.decisions.record(record.decision(cost, self.kept_prompt(request), counted, request.live))
        if self.live.signals is not None:
            named, left = record.route is not None and record.route.named, record.finish_reason == "cancelled"
            self.live.signals.answered(request, record.id, record.caller.id, named=named, left=left)
        if self.live.rollout.active and record.route is not None and record.total_s is not None:
            self.live.rollout.ended(record.route.policy, failed=False)
        return cost


def decision_id(given: str) -> str:
    """The id that the decision log knows an answer by, of one in the words of a dialect (see service.dialects)."""
    prefix, _, bare = given.rpartition("_" if given.startswith(("msg_", "resp_")) else "-")
    if prefix in ("msg", "cmpl"):
        return f"chatcmpl-{bare}"
    return bare if prefix == "resp" else given


def state_of(request: Request) -> ServiceState:
    """The state of the service that a request came to."""
    state: ServiceState = request.app.state.service
    return state


def caller_of(request: Request) -> Caller:
    """Who sent a request, as the middleware identified them."""
    context: RequestContext = request.scope["request_context"]
    return context.caller


def files_of(request: Request) -> FileStore | OwnedFiles:
    """The uploads that the caller of a request may see."""
    return state_of(request).files(caller_of(request))


State = Annotated[ServiceState, Depends(state_of)]
Files = Annotated[FileStore | OwnedFiles, Depends(files_of)]
CurrentCaller = Annotated[Caller, Depends(caller_of)]


async def while_connected(request: Request, work: Callable[[], Awaitable[T]]) -> T:
    """The result of `work`, which is cancelled when the client goes away; ClientDisconnect then."""
    with state_of(request).disconnects.watch(request.receive):
        return await work()
