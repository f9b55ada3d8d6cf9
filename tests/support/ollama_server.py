"""A small server that speaks Ollama's protocol, its answers built from the official client's own types.

It stands in for a server that cannot be installed everywhere; what it says is made of what it was asked, so that a
test can tell that messages, options and images arrived.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse
from ollama import ChatResponse, ListResponse, Message, ShowResponse


class FakeOllama:
    """Attributes:
    requests: bodies of the chats that came in.
    headers: of the chats that came in.
    fault: what to do instead of answering: "500", "cut", "hang".
    script: lines to answer with: objects, bytes as they are, seconds to wait; None: words made of the question.
    refuse: says of a chat's body the status and words that it is refused with; None: it is answered.
    slow_tags_s: seconds that it takes to list its models.
    cancelled: chats whose client left in the middle.
    """

    def __init__(self, models: dict[str, dict[str, Any]] | None = None) -> None:
        self.models = models or {"llama3.2:latest": {"size": "3.2B", "capabilities": ["completion", "tools"]}}
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.fault = ""
        self.script: Sequence[dict[str, Any] | bytes | float] | None = None
        self.refuse: Callable[[dict[str, Any]], tuple[int, str] | None] = lambda body: None
        self.slow_tags_s = 0.0
        self.delay_s = 0.0
        self.cancelled = 0
        self.app = FastAPI()
        self.app.get("/api/tags")(self.tags)
        self.app.post("/api/show")(self.show)
        self.app.post("/api/chat")(self.chat)

    async def tags(self) -> dict[str, Any]:
        await asyncio.sleep(self.slow_tags_s)
        now = datetime.now(UTC)
        rows = [
            ListResponse.Model(model=name, modified_at=now, digest=about.get("digest"))
            for name, about in self.models.items()
        ]
        found = ListResponse(models=rows).model_dump(mode="json")
        for row in found["models"]:
            row["name"] = row["model"]
        return found

    async def show(self, request: Request) -> Any:
        name = (await request.json())["model"]
        about = self.models.get(name)
        if about is None:
            return JSONResponse({"error": f"model '{name}' not found"}, 404)
        shown = ShowResponse(
            model_info={"llama.context_length": 131072},
            details={"parameter_size": about["size"], "family": "llama"},
            capabilities=about["capabilities"],
        )
        return JSONResponse(shown.model_dump(mode="json", by_alias=True))

    async def chat(self, request: Request) -> Any:
        body = await request.json()
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        if refused := self.refuse(body):
            return JSONResponse({"error": refused[1]}, refused[0])
        if body["model"] not in self.models and f"{body['model']}:latest" not in self.models:
            return JSONResponse({"error": f"model '{body['model']}' not found"}, 404)
        if self.fault == "500":
            return JSONResponse({"error": "the runner has stopped"}, 500)
        if self.fault == "hang":
            await asyncio.sleep(60)
        answer = self.scripted(self.script) if self.script is not None else self.lines(body, request)
        return StreamingResponse(answer, media_type="application/x-ndjson")

    async def lines(self, body: dict[str, Any], request: Request) -> AsyncIterator[str]:
        try:
            for i, word in enumerate(self.answer(body).split(" ")):
                if self.fault == "cut" and i == 2:
                    return
                await asyncio.sleep(self.delay_s)
                yield self.line(body, Message(role="assistant", content=word + " "), done=False)
            calls = None
            if body.get("tools"):
                function = Message.ToolCall.Function(name=body["tools"][0]["function"]["name"], arguments={"x": 1})
                calls = [Message.ToolCall(function=function)]
            yield self.line(body, Message(role="assistant", content="", tool_calls=calls), done=True)
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled += 1
            raise

    async def scripted(self, script: Sequence[dict[str, Any] | bytes | float]) -> AsyncIterator[bytes]:
        for item in script:
            if isinstance(item, float):
                await asyncio.sleep(item)
            else:
                yield item if isinstance(item, bytes) else json.dumps(item).encode() + b"\n"

    def answer(self, body: dict[str, Any]) -> str:
        last = body["messages"][-1]
        images = [len(base64.b64decode(image)) for image in last.get("images") or []]
        options = json.dumps(body.get("options") or {}, sort_keys=True).replace(" ", "")
        if body.get("format"):
            return '{"ok": true}'
        return (
            f"llama heard {len(body['messages'])} messages {last['content'][-80:]!r} images {images} options {options}"
        )

    def line(self, body: dict[str, Any], message: Message, done: bool) -> str:
        part = ChatResponse(
            model=body["model"],
            created_at=datetime.now(UTC).isoformat(),
            message=message,
            done=done,
            done_reason="stop" if done else None,
            prompt_eval_count=21 if done else None,
            eval_count=7 if done else None,
        )
        return part.model_dump_json(exclude_none=True) + "\n"
