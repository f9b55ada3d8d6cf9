"""Requests as nobody should send them: random bytes, random JSON, documented requests with something wrong in them."""

from __future__ import annotations

import copy
import json
import random
import string
from typing import Any

_MESSAGES = [{"role": "user", "content": "Why is the sky blue?"}]
_ANALYSIS: dict[str, Any] = {"messages": _MESSAGES, "file_ids": ["00000000-0000-4000-8000-000000000000"]}
_TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
_CHAT: dict[str, Any] = {
    "messages": _MESSAGES,
    "model": "instant",
    "stream": False,
    "temperature": 0.5,
    "max_tokens": 5,
    "stop": ["END"],
    "response_format": {"type": "json_object"},
    "tools": [_TOOL],
    "stream_options": {"include_usage": True},
    "user": "u",
    "n": 1,
}
_STREAM = {**_CHAT, "stream": True, "tools": None, "response_format": None}
DOCUMENTED: list[tuple[str, str, Any]] = [  # method, path, JSON body; None: none
    ("POST", "/v1/chat/completions", _CHAT),
    ("POST", "/api/v1/chat/completions", _STREAM),
    ("POST", "/api/v1/chat/multimodal", {**_CHAT, "file_ids": []}),
    ("POST", "/v1/completions", {"model": "instant", "prompt": "Once", "max_tokens": 5}),
    ("POST", "/v1/responses", {"model": "instant", "input": "Why?", "max_output_tokens": 20, "store": False}),
    ("POST", "/v1/messages", {"model": "instant", "max_tokens": 5, "messages": _MESSAGES, "system": "Be brief."}),
    ("POST", "/v1/messages/count_tokens", {"model": "instant", "messages": _MESSAGES}),
    ("POST", "/v1/embeddings", {"model": "wordllama", "input": ["a", "b"], "encoding_format": "float"}),
    ("POST", "/api/chat", {"model": "instant", "messages": _MESSAGES, "stream": False}),
    ("POST", "/api/generate", {"model": "instant", "prompt": "Why?", "stream": False}),
    ("POST", "/api/show", {"model": "instant"}),
    ("GET", "/api/tags", None),
    ("POST", "/api/v1/analyze-complexity", _ANALYSIS),
    ("POST", "/api/v1/feedback", {"request_id": "chatcmpl-1", "score": 0.5}),
    ("GET", "/api/v1/models", None),
    ("GET", "/v1/models/instant", None),
    ("GET", "/api/v1/files", None),
    ("GET", "/api/v1/files/00000000-0000-4000-8000-000000000000/content", None),
    ("DELETE", "/v1/files/00000000-0000-4000-8000-000000000000", None),
    ("GET", "/api/v1/monitoring/health", None),
    ("GET", "/api/v1/performance/metrics", None),
    ("GET", "/metrics", None),
    ("GET", "/health", None),
    ("GET", "/openapi.json", None),
    ("GET", "/", None),
]
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"]
_VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1e308,
    2**63,
    -(2**70),
    0.1,
    "",
    " ",
    "auto",
    "\x00",
    "\ud800",
    "é" * 300,
    "x" * 20_000,
    [],
    {},
    [[]],
    [None],
    {"": None},
    [{"role": "user"}],
    {"type": "image_url", "image_url": {"url": "http://127.0.0.1:1/"}},
    "../../etc/passwd",
]


class HostileRequests:
    """An endless supply of requests, the same for the same seed.

    Args:
        host: for the Host header.
        headers: sent with those that are HTTP, a key for example.
    """

    def __init__(self, host: str, seed: int = 0, **headers: str):
        self._random = random.Random(seed)
        self._host = host
        self._headers = headers

    def next(self) -> tuple[str, bytes]:
        """The kind of a request ("bytes", "json" or "mutated"), and what is sent."""
        kind = self._random.choice(["bytes", "json", "mutated", "mutated"])
        if kind == "bytes":
            return kind, self._bytes()
        method, path, body = self._random.choice(DOCUMENTED)
        if kind == "json":
            return kind, self._http("POST", path, json.dumps(self._value(4)).encode())
        if body is None:
            return kind, self._http(self._method(method), self._path(path), b"")
        data = json.dumps(self._mutated(body)).encode()
        return kind, self._http(self._method(method), self._path(path), self._damaged(data))

    def _bytes(self) -> bytes:
        noise = self._random.randbytes(self._random.randint(1, 2000))
        heads = [
            b"",
            b"GET / HTTP/1.1\r\n",
            b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 5\r\n",
            b"\x16\x03\x01",
        ]
        return self._random.choice(heads) + noise + b"\r\n\r\n"

    def _http(self, method: str, path: str, body: bytes) -> bytes:
        kinds = ["application/json"] * 8 + ["text/plain", "multipart/form-data; boundary=x", "", "a/b; charset=\xff"]
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {self._host}",
            "Connection: close",
            f"Content-Length: {len(body)}",
        ]
        if kind := self._random.choice(kinds):
            lines.append(f"Content-Type: {kind}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in self._headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    def _method(self, method: str) -> str:
        return self._random.choice(_METHODS) if self._random.random() < 0.05 else method

    def _path(self, path: str) -> str:
        change = self._random.randrange(12)
        if change == 0:
            return path + self._random.choice(["/", "//", "?x=1", "%00", "/..", "%ff", ";a", "?" + "a" * 3000])
        if change == 1:
            at = self._random.randrange(len(path))
            return path[:at] + self._random.choice(string.printable[:94]).replace(" ", "+") + path[at + 1 :]
        return path

    def _mutated(self, body: Any) -> Any:
        changed = copy.deepcopy(body)
        for _ in range(self._random.randint(0, 3)):
            self._mutate(changed)
        return changed

    def _mutate(self, node: Any) -> None:
        while node:
            key: Any = self._random.choice(list(node) if isinstance(node, dict) else range(len(node)))
            if isinstance(node[key], dict | list) and node[key] and self._random.random() < 0.7:
                node = node[key]
                continue
            if isinstance(node, dict) and self._random.random() < 0.3:
                del node[key]
            else:
                node[key] = self._value(2)
            if isinstance(node, dict) and self._random.random() < 0.2:
                node[self._random.choice(["logprobs", "grammar", "n_predict", "seed", "x", "file_ids"])] = self._value(
                    1
                )
            return

    def _damaged(self, data: bytes) -> bytes:
        change = self._random.randrange(20)
        if change == 0:
            return data[: self._random.randrange(len(data))]
        if change == 1:
            at = self._random.randrange(len(data))
            return data[:at] + self._random.randbytes(1) + data[at + 1 :]
        return data * 2 if change == 2 else data

    def _value(self, depth: int) -> Any:
        if depth and self._random.random() < 0.4:
            if self._random.random() < 0.5:
                return [self._value(depth - 1) for _ in range(self._random.randrange(5))]
            names = ["messages", "model", "content", "role", "type", "text", "input", "a"]
            return {self._random.choice(names): self._value(depth - 1) for _ in range(self._random.randrange(5))}
        return copy.deepcopy(self._random.choice(_VALUES))
