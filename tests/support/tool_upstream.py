"""An OpenAI-compatible server that thinks, calls tools and repeats what it was asked."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse

USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 4,
    "total_tokens": 24,
    "prompt_tokens_details": {"cached_tokens": 8},
}


class ToolUpstream:
    """Calls each tool of a request once, with its name as the argument; without tools it says "Yes: " and the question.

    Attributes:
        bodies: what was asked.
        finish: the reason of an answer without calls.
        refuses: the name of a parameter that it does not know.
        fault: "500" refuses, "error" ends a stream in the middle by an error.
    """

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.finish = "stop"
        self.fault = ""
        self.refuses = ""
        self.app = FastAPI()
        self.app.post("/v1/chat/completions")(self.chat)
        self.app.get("/v1/models")(lambda: {"object": "list", "data": []})

    async def chat(self, request: Request) -> Any:
        body = await request.json()
        self.bodies.append(body)
        if self.refuses in body:
            return JSONResponse({"error": {"message": f"Unrecognized request argument supplied: {self.refuses}"}}, 400)
        if self.fault == "500":
            return JSONResponse({"error": {"message": "the GPU fell over"}}, 500)
        calls = [] if body["messages"][-1]["role"] == "tool" else [self._call(tool) for tool in body.get("tools") or ()]
        if body.get("stream"):
            return StreamingResponse(self._events(body, calls), media_type="text/event-stream")
        text = None if calls else f"Yes: {self._question(body)}"
        message: dict[str, Any] = {"role": "assistant", "content": text, "reasoning_content": "I think."}
        message |= {"tool_calls": calls} if calls else {}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else self.finish}
        return {"id": "x", "object": "chat.completion", "created": 1, "model": "u", "choices": [choice], "usage": USAGE}

    def _call(self, tool: Any) -> dict[str, Any]:
        name = tool["function"]["name"]
        return {
            "id": f"call_{name}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps({"x": name})},
        }

    def _question(self, body: Any) -> str:
        content = body["messages"][-1]["content"]
        return content if isinstance(content, str) else json.dumps(content)

    async def _events(self, body: Any, calls: list[Any]) -> AsyncIterator[bytes]:
        for delta in self._deltas(body, calls):
            yield _event({"index": 0, "delta": delta, "finish_reason": None})
        if self.fault == "error":
            yield b'data: {"error": {"message": "the GPU fell over"}}\n\n'
            return
        yield _event({"index": 0, "delta": {}, "finish_reason": "tool_calls" if calls else self.finish})
        yield b"data: " + json.dumps({"choices": [], "usage": USAGE}).encode() + b"\n\ndata: [DONE]\n\n"

    def _deltas(self, body: Any, calls: list[Any]) -> Iterator[dict[str, Any]]:
        yield {"role": "assistant", "reasoning_content": "I think."}
        for i, call in enumerate(calls):
            arguments = call["function"]["arguments"]
            start = {**call, "function": {"name": call["function"]["name"], "arguments": ""}}
            yield {"tool_calls": [{"index": i, **start}]}
            yield {"tool_calls": [{"index": i, "function": {"arguments": arguments[:4]}}]}
            yield {"tool_calls": [{"index": i, "function": {"arguments": arguments[4:]}}]}
        if not calls:
            yield {"content": "Yes: "}
            yield {"content": self._question(body)}


def _event(choice: dict[str, Any]) -> bytes:
    event = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "u", "choices": [choice]}
    return b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n"
