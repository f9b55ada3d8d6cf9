"""Several answers to one question (`n`): from servers that give them at once, or by asking once for each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import ChatChunk, ChatReply, ChatRequest, InvalidRequestError, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Coroutine

    from autopicker_lab.models import ChatModel

_AT_ONCE = 4  # questions to one model
_VARIED = 0.7  # temperature of several answers, where the model's own is 0


def choices_wanted(request: ChatRequest) -> int:
    """How many answers a request asks for."""
    return request.options.get("n") or 1


def complete(model: ChatModel, request: ChatRequest) -> Awaitable[ChatReply]:
    """The whole answer of a model, with as many choices as the request asks for."""
    wanted = choices_wanted(request)
    return model.complete(request) if wanted == 1 else _complete_several(model, request, wanted)


async def _complete_several(model: ChatModel, request: ChatRequest, wanted: int) -> ChatReply:
    replies: list[ChatReply] = []
    if _gives_several(model):
        try:
            replies.append(await model.complete(request))
        except InvalidRequestError:  # of the server: it may know no n
            replies.append(await model.complete(_single(model, request, 0)))
    given = sum(len(_choices(reply)) for reply in replies)
    gate = asyncio.Semaphore(min(_AT_ONCE, model.describe().max_concurrency or _AT_ONCE))

    async def ask(number: int) -> ChatReply:
        async with gate:
            return await model.complete(_single(model, request, number))

    replies += await _all([ask(number) for number in range(given, wanted)])
    return _joined(replies, wanted)


async def stream(model: ChatModel, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
    """The answer of a model as it is made, with as many choices as the request asks for.

    Choices that the server does not give follow one after the other.
    """
    wanted = choices_wanted(request)
    given: set[int] = set()
    spent = latest = Usage()
    if _gives_several(model):
        async with aclosing(_several(model, request)) as chunks:
            async for chunk in chunks:
                given |= {_index(choice) for event in chunk.events for choice in event["choices"]}
                latest = chunk.usage or latest
                yield chunk
        spent = latest
    for number in range(len(given), wanted):
        latest = Usage()
        async with aclosing(model.stream(_single(model, request, number))) as chunks:
            async for chunk in chunks:
                latest = chunk.usage or latest
                usage = sum_of(spent, latest) if chunk.usage else None
                yield ChatChunk([_numbered(event, number) for event in chunk.events], chunk.finish_reason, usage)
        spent = sum_of(spent, latest)


async def _several(model: ChatModel, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
    """The stream of a server that gives several choices, or of one choice where it refuses to."""
    begun = False
    try:
        async with aclosing(model.stream(request)) as chunks:
            async for chunk in chunks:
                begun = True
                yield chunk
    except InvalidRequestError:
        if begun:
            raise
    else:
        return
    async with aclosing(model.stream(_single(model, request, 0))) as chunks:
        async for chunk in chunks:
            yield chunk


def _gives_several(model: ChatModel) -> bool:
    return model.describe().provider == "openai"


def _single(model: ChatModel, request: ChatRequest, number: int) -> ChatRequest:
    """The question asked once, so that the answer is not the same each time."""
    options = {name: value for name, value in request.options.items() if name != "n"}
    if isinstance(options.get("seed"), int):
        options["seed"] += number
    if model.describe().provider == "local":
        options.setdefault("temperature", _VARIED)
    return replace(request, options=options)


async def _all(work: list[Coroutine[Any, Any, ChatReply]]) -> list[ChatReply]:
    """What all of it returns, in order; where one fails the others end."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()


def _joined(replies: list[ChatReply], wanted: int) -> ChatReply:
    """One reply with the choices of several, which are numbered anew, and all their tokens."""
    choices = [choice for reply in replies for choice in _choices(reply)][:wanted]
    usage = replies[0].usage
    for reply in replies[1:]:
        usage = sum_of(usage, reply.usage)
    raw = {name: value for name, value in replies[0].raw.items() if name != "usage" or len(replies) == 1}
    numbered = [{**choice, "index": number} for number, choice in enumerate(choices)]
    return replace(replies[0], raw={**raw, "choices": numbered}, usage=usage)


def _choices(reply: ChatReply) -> list[Mapping[str, Any]]:
    given = reply.raw.get("choices")
    if isinstance(given, list):
        return [choice for choice in given if isinstance(choice, Mapping)]
    message = {"role": "assistant", "content": reply.text, **reply.message}
    return [{"message": message, "logprobs": None, "finish_reason": reply.finish_reason}]


def sum_of(one: Usage, other: Usage) -> Usage:
    """The tokens of two calls."""
    if not one.prompt_tokens and not one.completion_tokens:
        return other
    return Usage(
        one.prompt_tokens + other.prompt_tokens,
        one.completion_tokens + other.completion_tokens,
        one.cached_tokens + other.cached_tokens,
    )


def _index(choice: Mapping[str, Any]) -> int:
    index = choice.get("index")
    return index if isinstance(index, int) else 0


def _numbered(event: Mapping[str, Any], number: int) -> dict[str, Any]:
    return {**event, "choices": [{**choice, "index": number} for choice in event["choices"]]}
