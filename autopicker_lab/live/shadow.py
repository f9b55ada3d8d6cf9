"""Shadow: another model is asked the same, after the answer has left, and both answers are graded and kept.

Nothing waits for it: what does not fit its queue is dropped, it asks little at once, and while the service has much to
do, or its USD of the day are spent, it asks nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.core import AutopickerError
from autopicker_lab.core.values import altered
from autopicker_lab.live.draws import number_of
from autopicker_lab.live.pairs import SHADOW
from autopicker_lab.routing.requirements import is_local
from autopicker_lab.storage import Decision

if TYPE_CHECKING:
    from collections.abc import Callable

    from autopicker_lab.chat.pipeline import Pipeline
    from autopicker_lab.core import ChatReply, ChatRequest, ModelSpec, Route
    from autopicker_lab.live.allowance import Allowance
    from autopicker_lab.live.grading import ShadowGrader
    from autopicker_lab.storage import DecisionLog

QUEUE = 100
AT_ONCE = 2
BUSY = 64  # requests being answered, from which on shadow waits
_IDLE_S = 0.05
_ACTING = ("tools", "functions")  # a model that could call one is not asked in the shadow
log = logging.getLogger(__name__)


class Answered(NamedTuple):
    """An answer that has left: what it was, and what it was to.

    Attributes:
        chat_id: of the completion. key_id: of the key that asked. prompt: where questions are kept.
        local_only: whether the request must not leave this machine.
    """

    chat_id: str
    request: ChatRequest
    route: Route
    model: str
    text: str
    key_id: str | None
    prompt: str | None
    local_only: bool


class ShadowPlan(NamedTuple):
    """How much is asked in the shadow: the `share` of requests, and of which `model`; "": one of the route's others."""

    share: float
    model: str = ""
    seed: int = 0


class Shadow:
    """Asks in the background.

    Args:
        running: how many requests are being answered.

    Attributes:
        dropped: answers that were not asked about although they were drawn.
    """

    def __init__(
        self,
        plan: ShadowPlan,
        pipeline: Pipeline,
        allowance: Allowance,
        grader: ShadowGrader | None,
        running: Callable[[], int],
    ):
        self._plan = plan
        self._pipeline = pipeline
        self._allowance = allowance
        self._grader = grader
        self._running = running
        self._prefix = f"{plan.seed}:shadow:"
        self._waiting: asyncio.Queue[tuple[Answered, ModelSpec]] = asyncio.Queue()
        self.dropped = 0

    def wants(self, request: ChatRequest, request_id: str) -> bool:
        """Whether the request is drawn: text alone, of one answer, whose model can call nothing."""
        if number_of(self._prefix + request_id) >= self._plan.share:
            return False
        options = request.options
        several, acting = (options.get("n") or 1) > 1, any(options.get(name) for name in _ACTING)
        return not (request.media or request.file_ids or several or acting)

    def offer(self, answered: Answered) -> None:
        """Take an answer that has left; costs its caller nothing but an append."""
        spec = self._other(answered)
        if spec is None:
            return
        if self._waiting.qsize() >= QUEUE:
            self.dropped += 1
            return
        self._waiting.put_nowait((answered, spec))

    def _other(self, answered: Answered) -> ModelSpec | None:
        """Who else could have taken the request by its route; None where nobody may be asked."""
        able = [c.model for c in answered.route.candidates if c.kept and c.model != answered.model]
        if self._plan.model:
            able = [name for name in able if name == self._plan.model]
        models = self._pipeline.catalogue
        if answered.local_only:
            able = [name for name in able if is_local(models.get(name).describe())]
        if not able:
            return None
        drawn = int(number_of(f"{self._plan.seed}:model:{answered.chat_id}") * len(able))
        return models.get(sorted(able)[drawn]).describe()

    async def run(self, decisions: DecisionLog) -> None:
        """Ask what waits, until it is cancelled."""
        await asyncio.gather(*(self._work(decisions) for _ in range(AT_ONCE)))

    async def _work(self, decisions: DecisionLog) -> None:
        while True:
            answered, spec = await self._waiting.get()
            while self._running() > BUSY:  # noqa: ASYNC110  # a number that others count
                await asyncio.sleep(_IDLE_S)
            try:
                await self._ask(answered, spec, decisions)
            except AutopickerError as error:
                self.dropped += 1
                log.info("shadow: %s was not asked: %s", spec.id, error.loggable)
            except Exception:  # nothing of it may end the worker
                self.dropped += 1
                log.exception("shadow: %s was not asked", spec.id)

    async def _ask(self, answered: Answered, spec: ModelSpec, decisions: DecisionLog) -> None:
        estimated = next(c.cost_usd for c in answered.route.candidates if c.model == spec.id)
        if estimated > self._allowance.left_usd or self._pipeline.catalogue.breaker(spec.id).resting_s():
            self.dropped += 1
            return
        started_at = time.perf_counter()
        request = altered(answered.request, model=spec.id, spending=None, live=None)
        reply = await self._pipeline.catalogue.get(spec.id).complete(request)
        row = _row(answered, reply, spec, time.perf_counter() - started_at)
        self._allowance.spend(row.cost_usd or 0.0)
        try:
            row = await self._graded(answered, reply.text, row, decisions)
        except AutopickerError as error:
            log.info("shadow: the answer of %s was not graded: %s", spec.id, error.loggable)
        finally:  # an answer that could not be graded was paid for all the same
            decisions.record(row)

    async def _graded(self, answered: Answered, text: str, row: Decision, decisions: DecisionLog) -> Decision:
        """The row with its grade; that of the answer that left is kept with its own."""
        grader = self._grader
        if grader is None or (answered.local_only and not grader.stays_here):
            return row
        served, other, first_gains = await grader.grade(answered.request, answered.text, text)
        if served is not None:
            try:
                await asyncio.to_thread(decisions.grade, answered.chat_id, served, grader.name)
            except AutopickerError as error:  # the other grade is kept all the same
                log.info("shadow: the grade of %s was not kept: %s", answered.chat_id, error.loggable)
        scored_by = None if other is None else grader.name
        return row._replace(score=other, grade=other, scored_by=scored_by, first_gains=first_gains)


def _row(answered: Answered, reply: ChatReply, spec: ModelSpec, seconds: float) -> Decision:
    """The decision that was none: no policy made it."""
    usage = reply.usage
    shadow: dict[str, Any] = dict.fromkeys(("chat_id", "request_id"), SHADOW + answered.chat_id)
    return Decision(
        **shadow,
        created=time.time(),
        model=spec.id,
        complexity=answered.route.complexity.score,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cost_usd=usage.cost_usd(spec),
        latency_s=seconds,
        prompt=answered.prompt,
        key_id=answered.key_id,
    )
