"""The targets of a load test: an HTTP address, a chat API, or a Workbench in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.loadtest.chat_target import AnswerSource, ChatTarget, InProcess
from autopicker_lab.loadtest.over_http import Clock, OverHttp
from autopicker_lab.loadtest.plan import IN_PROCESS
from autopicker_lab.loadtest.sample import http_error

if TYPE_CHECKING:
    from autopicker_lab.http_client import HttpClient, HttpResponse
    from autopicker_lab.loadtest.plan import LoadPlan
    from autopicker_lab.loadtest.sample import Sample


class Target(Protocol):
    """What a plan sends its requests to; `send` may be called many times at once."""

    async def send(self, sample: Sample, clock: Clock) -> None:
        """Send a request and fill in the sample, but for `due`, `sent_at` and `ended_at`; no error is raised."""

    def close(self) -> None:
        """Close all connections."""


def target_of(plan: LoadPlan, ask: AnswerSource | None = None) -> Target:
    """Make the target of a plan; `ask` streams the answers of a Workbench in this process."""
    if plan.url == IN_PROCESS and plan.chat is not None:
        if ask is None:
            raise InvalidRequestError(f"'{IN_PROCESS}' is a Workbench", "run the plan with Workbench.loadtest(plan)")
        return InProcess(plan, plan.chat, ask)
    return ChatTarget(plan, plan.chat) if plan.chat is not None else HttpTarget(plan)


class HttpTarget(OverHttp):
    """Any HTTP address; a request is answered with a status of 200 to 299 and its body read to the end."""

    def __init__(self, plan: LoadPlan):
        super().__init__(plan)
        self._method = plan.method.upper()
        self._body = plan.body or b""

    def _request(self, sample: Sample) -> tuple[HttpClient, str, bytes]:
        return self._http_client, self._method, self._body

    async def _read(self, answer: HttpResponse, sample: Sample, clock: Clock) -> None:
        while await answer.next():
            pass
        if not 200 <= answer.status < 300:
            sample.error = http_error(answer.status)
