"""What the routes hold: the Workbench and the service's own stores."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from starlette.requests import ClientDisconnect

from autopicker_lab.chat import Attachment
from autopicker_lab.core import AutopickerError, ChatReply, InvalidRequestError, UnknownModelError
from autopicker_lab.service.gate import Keys
from autopicker_lab.service.limits import ClientLimits
from autopicker_lab.service.measure import Measures
from autopicker_lab.storage import DecisionLog, MemoryCache
from autopicker_lab.workbench import Workbench

T = TypeVar("T")
MAX_FILES = 50
log = logging.getLogger(__name__)


@dataclass
class ServiceState:
    lab: Workbench
    measures: Measures
    decisions: DecisionLog
    cache: MemoryCache
    keys: Keys
    limits: ClientLimits
    load_test: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def check_files(self, file_ids: Sequence[str]) -> None:
        """UnknownFileError for an id that is not there, InvalidRequestError for too many."""
        if len(file_ids) > MAX_FILES:
            detail = f"{len(file_ids)} files are too many for one request"
            raise InvalidRequestError(detail, f"send at most {MAX_FILES}", param="file_ids")
        for file_id in dict.fromkeys(file_ids):
            await asyncio.to_thread(self.lab.files.get, file_id)

    async def attach(self, file_ids: Sequence[str]) -> tuple[list[Attachment], list[dict[str, str]]]:
        """Uploads read for a question, and which of them could not be; an unknown id is an UnknownFileError.

        Where not one can be read, the first one's error is raised.
        """
        await self.check_files(file_ids)
        attachments: list[Attachment] = []
        failures: list[dict[str, str]] = []
        first: AutopickerError | None = None
        for file_id in dict.fromkeys(file_ids):
            file = await asyncio.to_thread(self.lab.files.open, file_id)
            try:
                attachments.append(await self.lab.reader.attach(file))
            except AutopickerError as error:
                first = first or error
                failures.append({"file_id": file_id, "filename": file.name, "error": str(error)})
        if first is not None and not attachments:
            raise first
        return attachments, failures

    async def remember(self, reply: ChatReply, request_id: str) -> None:
        """Count an answer and keep its decision, for metrics and feedback; never fails an answer that is made."""
        tokens = (reply.usage.prompt_tokens, reply.usage.completion_tokens)
        self.measures.answered(reply.model, reply.fallback_used, *tokens, reply.first_token_s)
        try:
            cost = self.lab.catalogue.get(reply.model).describe().cost_usd(*tokens)
        except UnknownModelError:  # its server took it away while it answered
            cost = 0.0
        try:
            await asyncio.to_thread(self.decisions.record, reply, request_id, cost)
        except (sqlite3.Error, OSError) as error:
            log.warning("a routing decision was not kept: %s", error)


def state_of(request: Request) -> ServiceState:
    found: ServiceState = request.app.state.service
    return found


State = Annotated[ServiceState, Depends(state_of)]


async def while_connected(request: Request, work: Callable[[], Awaitable[T]]) -> T:
    """The result of `work`, which is cancelled when the client goes away; ClientDisconnect then."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    task = asyncio.ensure_future(work())
    watcher = asyncio.ensure_future(gone())
    try:
        await asyncio.wait({task, watcher}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientDisconnect
    finally:
        watcher.cancel()
        task.cancel()
        await asyncio.wait({task})
