"""OpenAI's /responses: a dialect of the chats that remembers what it answered, for whoever asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from autopicker_lab.core import InvalidRequestError, Usage
from autopicker_lab.service.chat import completion, sse
from autopicker_lab.service.chat.dialect import AnswerHead, ChatCall
from autopicker_lab.service.chat.request_body import ChatBody
from autopicker_lab.service.dialects.fields import flag, json_text, string
from autopicker_lab.service.dialects.responses_events import ResponseBuilder
from autopicker_lab.service.dialects.responses_items import input_items, messages
from autopicker_lab.service.dialects.responses_request import chat_fields, response_fields
from autopicker_lab.service.dialects.responses_tools import ToolBox
from autopicker_lab.service.request import json_body

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autopicker_lab.core import AutopickerError, ChatRequest
    from autopicker_lab.service.request.context import RequestContext
    from autopicker_lab.storage import ResponseStore

_THEIR_NAMES = {"messages": "input", "max_tokens": "max_output_tokens", "response_format": "text"}


class ResponsesAPI:
    """The dialect of /responses.

    Args:
        store: where responses are kept that `store` does not keep out.
    """

    def __init__(self, store: ResponseStore):
        self._store = store

    async def read(self, raw: bytes, context: RequestContext, path: str) -> ChatCall:
        """The request in a body of OpenAI's Responses."""
        size = len(raw)
        body = await json_body.off_loop(size, json_body.parse, raw)
        items = await json_body.off_loop(size, input_items, body.get("input"))
        owner = context.caller.id
        earlier = await self._earlier(body.get("previous_response_id"), owner)
        resolved = await self._resolved(items, owner)
        tools = ToolBox.of(body.get("tools"))
        response = {"id": f"resp_{context.request_id}", **response_fields(body)}  # feedback may name it
        if tools.ignored:
            response["ignored_tools"] = tools.ignored
        request = await json_body.off_loop(size, _request, body, [*earlier, *resolved], tools)
        await json_body.off_loop(size, json_text, response, "the body")  # which is said again in the answer
        kept = (await json_body.off_loop(size, json_text, resolved, "input")).encode()
        stored = self._store if response["store"] else None
        wording = ResponsesWording(ResponseBuilder(response, tools), stored, owner, kept)
        return ChatCall(request, flag(body.get("stream"), "stream"), wording)

    async def _earlier(self, previous: object, owner: str) -> list[dict[str, Any]]:
        if previous is None:
            return []
        return await self._store.conversation(owner, string(previous, "previous_response_id"))

    async def _resolved(self, items: Sequence[dict[str, Any]], owner: str) -> list[dict[str, Any]]:
        """The items, with those in place of which only their ids were sent."""
        wanted = [str(item["id"]) for item in items if item.get("type") == "item_reference"]
        if not wanted:
            return list(items)
        known = await self._store.outputs(owner, wanted)
        for item_id in wanted:
            if item_id not in known:
                detail = f"no item with id '{item_id[:80]}'"
                raise InvalidRequestError(detail, "send the item itself", param="input")
        return [known.get(str(item["id"]), item) if item.get("type") == "item_reference" else item for item in items]


def _request(body: Mapping[str, Any], items: Sequence[Mapping[str, Any]], tools: ToolBox) -> ChatRequest:
    try:
        return ChatBody.check(chat_fields(body, messages(items), tools)).to_request()
    except InvalidRequestError as error:
        error.param = _THEIR_NAMES.get(error.param or "", error.param)
        raise


class ResponsesWording:
    """A response, or its events.

    Args:
        store: where it is kept at its end; None: nowhere.
        owner: the caller it belongs to.
        items: of the request, as JSON.
    """

    content_type = sse.CONTENT_TYPE
    keepalive = sse.KEEPALIVE_COMMENT

    def __init__(self, builder: ResponseBuilder, store: ResponseStore | None, owner: str, items: bytes):
        self._builder = builder
        self._store = store
        self._owner = owner
        self._items = items

    def whole(self, completion_json: bytes) -> bytes:
        """The response object."""
        answer = orjson.loads(completion_json)
        extra = {name: answer[name] for name in completion.OWN_FIELDS if name in answer}
        usage = Usage.from_openai(answer.get("usage")) or Usage()
        self.opening(AnswerHead(answer["id"], answer["model"], answer["created"]), completion.to_events(answer), extra)
        self.end(answer["choices"][0].get("finish_reason") or "stop", usage, {})
        return orjson.dumps(self._builder.response)

    def opening(self, head: AnswerHead, events: Sequence[Mapping[str, Any]], extra: Mapping[str, Any]) -> bytes:
        """`response.created`, and what the first chunks bring."""
        self._builder.response |= {"model": head.model, **extra}
        return self._builder.begin() + self._builder.feed(events)

    def events(self, events: Sequence[Mapping[str, Any]]) -> bytes:
        """The events of more chunks."""
        return self._builder.feed(events)

    def end(self, finish_reason: str, usage: Usage, extra: Mapping[str, Any]) -> bytes:
        """The events that close the output, and `response.completed` or `response.incomplete`."""
        self._builder.response |= extra
        data = self._builder.end(finish_reason, usage.to_openai())
        if self._store is not None:
            kept = {name: value for name, value in self._builder.response.items() if name != completion.COST}
            self._store.put(self._owner, kept, self._items)
        return data

    def error(self, error: AutopickerError) -> bytes:
        """`response.failed`."""
        return self._builder.fail(error)
