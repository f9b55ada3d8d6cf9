"""OpenAI's older /completions, which some frameworks still ask: a prompt goes in, its continuation comes out.

The models here are asked in chats, so the prompt is a user's message and the text is the answer to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from autopicker_lab.service.chat import completion, sse
from autopicker_lab.service.chat.dialect import AnswerHead, ChatCall
from autopicker_lab.service.chat.openai import closing_events
from autopicker_lab.service.chat.request_body import ChatBody
from autopicker_lab.service.dialects.fields import text_of, wrong
from autopicker_lab.service.request import errors, json_body

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autopicker_lab.core import AutopickerError, ChatRequest, Usage
    from autopicker_lab.service.request.context import RequestContext

_OWN = frozenset({"prompt", "suffix", "echo", "best_of", "logprobs", "messages"})
_MAX_LOGPROBS = 5


class LegacyCompletions:
    """The dialect of /completions."""

    async def read(self, raw: bytes, context: RequestContext, path: str) -> ChatCall:
        """The request in a body of OpenAI's older format."""
        body, request = await json_body.off_loop(len(raw), _parse, raw)
        include_usage = bool((body.stream_options or {}).get("include_usage"))
        wording = LegacyWording(sse.done_event(context.headers, path), include_usage)
        return ChatCall(request, bool(body.stream), wording)


def _parse(raw: bytes) -> tuple[ChatBody, ChatRequest]:
    body = ChatBody.check(chat_fields(json_body.parse(raw)), len(raw))
    return body, body.to_request()


def chat_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """The chat's fields for a request."""
    fields = {name: value for name, value in body.items() if name not in _OWN}
    if body.get("suffix"):
        raise wrong("suffix", "is not supported", "put what comes after into the prompt")
    if body.get("echo"):
        raise wrong("echo", "is not supported", "put the prompt before the text yourself")
    if body.get("best_of") not in (None, 1, body.get("n") or 1):
        raise wrong("best_of", "is not supported", "ask for n and choose")
    logprobs = body.get("logprobs")
    if logprobs not in (None, False):
        if isinstance(logprobs, bool) or not isinstance(logprobs, int) or not 0 <= logprobs <= _MAX_LOGPROBS:
            raise wrong("logprobs", f"must be a whole number up to {_MAX_LOGPROBS}")
        fields |= {"logprobs": True, "top_logprobs": logprobs}
    fields["messages"] = [{"role": "user", "content": _prompt(body.get("prompt"))}]
    return fields


def _prompt(raw: object) -> str:
    if isinstance(raw, list) and len(raw) == 1:
        raw = raw[0]
    if isinstance(raw, str):
        return raw
    if isinstance(raw, list) and any(isinstance(item, str) for item in raw):
        raise wrong("prompt", f"has {len(raw):,} texts", "send one a request")
    raise wrong("prompt", "must be a text, and not tokens" if raw is not None else "is required", "send the text")


class LegacyWording:
    """The text_completion object, whole or in pieces.

    Args:
        done: the event that ends a stream.
        include_usage: whether an event with the tokens comes before it.
    """

    content_type = sse.CONTENT_TYPE
    keepalive = sse.KEEPALIVE_COMMENT

    def __init__(self, done: bytes, include_usage: bool):
        self._done = done
        self._include_usage = include_usage
        self._head: dict[str, Any] = {}

    def whole(self, completion_json: bytes) -> bytes:
        """The answer with the text of each choice."""
        answer = orjson.loads(completion_json)
        choices = [_choice(choice, choice.get("message") or {}) for choice in answer["choices"]]
        for choice in choices:
            choice["finish_reason"] = choice["finish_reason"] or "stop"
        extra = {name: answer[name] for name in completion.OWN_FIELDS if name in answer}
        head = self._named(AnswerHead(answer["id"], answer["model"], answer["created"]))
        return orjson.dumps({**head, "choices": choices, "usage": answer["usage"], **extra})

    def opening(self, head: AnswerHead, events: Sequence[Mapping[str, Any]], extra: Mapping[str, Any]) -> bytes:
        """The first pieces; the first of all has `extra`."""
        self._head = self._named(head)
        first = {"text": "", "index": 0, "logprobs": None, "finish_reason": None}
        return sse.event({**self._head, "choices": [first], **extra}) + self.events(events)

    def events(self, events: Sequence[Mapping[str, Any]]) -> bytes:
        """More pieces."""
        parts = []
        for event in events:
            choices = [_choice(choice, choice.get("delta") or {}) for choice in event["choices"]]
            if any(choice["text"] or choice["finish_reason"] for choice in choices):
                parts.append(sse.event({**self._head, "choices": choices}))
        return b"".join(parts)

    def end(self, finish_reason: str, usage: Usage, extra: Mapping[str, Any]) -> bytes:
        """Our own fields; the tokens and the cost, where they were asked for by `stream_options`; and [DONE]."""
        choice = {"text": "", "index": 0, "logprobs": None, "finish_reason": None}
        return closing_events(self._head, choice, usage if self._include_usage else None, extra) + self._done

    def error(self, error: AutopickerError) -> bytes:
        """An event with OpenAI's error object."""
        return sse.event(errors.body(error, openai=True))

    @staticmethod
    def _named(head: AnswerHead) -> dict[str, Any]:
        reply_id = "cmpl-" + head.id.removeprefix("chatcmpl-")
        return {"id": reply_id, "object": "text_completion", "created": head.created, "model": head.model}


def _choice(choice: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    reason = choice.get("finish_reason")
    return {
        "text": text_of(said.get("content")) or text_of(said.get("refusal")),
        "index": choice.get("index") or 0,
        "logprobs": _logprobs(choice.get("logprobs")),
        "finish_reason": "stop" if reason in ("tool_calls", "function_call") else reason,
    }


def _logprobs(raw: object) -> dict[str, Any] | None:
    """The older form, four lists, of a chat's logprobs."""
    tokens = raw.get("content") if isinstance(raw, dict) else None
    if not isinstance(tokens, list) or not tokens:
        return None
    known = [token for token in tokens if isinstance(token, dict)]
    texts = [str(token.get("token", "")) for token in known]
    starts = [0]
    for text in texts:
        starts.append(starts[-1] + len(text))
    likely = [token.get("top_logprobs") or [] for token in known]
    return {
        "tokens": texts,
        "token_logprobs": [token.get("logprob") for token in known],
        "top_logprobs": [{t.get("token"): t.get("logprob") for t in top if isinstance(t, dict)} for top in likely],
        "text_offset": starts[:-1],
    }
