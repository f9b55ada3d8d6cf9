"""The process that holds a llama.cpp model. Messages are lines of JSON, on standard input and standard output.

in     {"load": {...}}                     first of all: the fields of `Load`
       {"id": 1, "ask": {...}}             a chat completion, as llama.cpp takes it
       {"id": 1, "cancel": true}           nobody waits for it any more
       {"id": 2, "count": "text"}          how many tokens that is
out    {"ready": true}                     or {"failed": "why"}, and the end of the process
       {"id": 1, "begun": true}            it has its share of the context
       {"id": 1, "event": {...}}           what llama.cpp says
       {"id": 1, "refused": "why"}         llama.cpp cannot read the request
       {"id": 1, "end": true}              the last that is said of a request
       {"id": 2, "tokens": 3}

The process ends with its standard input, and so with the process that started it, however that ended.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import signal
import sys
import threading
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn
from urllib.parse import urlsplit

from autopicker_lab.models.local_admission import Admission, Ticket

_PROMPT_CACHE_MIB = 256  # llama.cpp's own bound is 8 GiB
_COUNT_TIMEOUT_S = 60.0


class Load(NamedTuple):
    """What is loaded: the GGUF file, the context in tokens, answers at once, and threads (0: as many as cores)."""

    path: str
    context: int
    parallel: int
    threads: int


class Worker:
    """Answers the messages of `requests` on `answers`."""

    def __init__(self, requests: IO[bytes], answers: IO[bytes]):
        self._requests = requests
        self._answers = answers
        self._writing = threading.Lock()
        self._tickets: dict[int, Ticket] = {}
        self._secret = secrets.token_urlsafe(32)

    def run(self) -> None:
        """Load the model, and work until the requests end."""
        load = Load(**json.loads(self._requests.readline())["load"])
        self._admission = Admission(load.context, load.parallel)
        try:
            self._server = load_server(load, self._secret)
        except Exception as error:  # llama.cpp's word for a file it cannot read
            self._say(failed=str(error))
            return
        self._say(ready=True)
        for line in self._requests:
            self._handle(json.loads(line))

    def _handle(self, message: dict[str, Any]) -> None:
        number = message["id"]
        if "cancel" in message:
            if ticket := self._tickets.get(number):
                self._admission.cancel(ticket)
        elif "count" in message:
            threading.Thread(target=self._count, args=(number, message["count"]), daemon=True).start()
        else:
            ticket = self._tickets[number] = self._admission.queue()
            threading.Thread(target=self._answer, args=(number, message["ask"], ticket), daemon=True).start()

    def _answer(self, number: int, body: dict[str, Any], ticket: Ticket) -> None:
        def each(event: dict[str, Any]) -> bool:
            self._say(id=number, event=event)
            return ticket.cancelled

        try:
            if self._admission.wait(ticket, self._tokens(body)):
                self._say(id=number, begun=True)
                self._server.handle_chat_completions(body, each)
        except OSError as error:
            self._say(id=number, event={"error": {"code": 500, "message": str(error)}})
        except Exception as error:  # llama.cpp's word for a request it cannot read
            self._say(id=number, refused=str(error))
        finally:
            self._admission.leave(ticket)
            del self._tickets[number]
            self._say(id=number, end=True)

    def _count(self, number: int, text: str) -> None:
        try:
            self._say(id=number, tokens=self._length(text))
        except Exception as error:
            self._say(id=number, refused=str(error))

    def _tokens(self, body: dict[str, Any]) -> int:
        """Tokens of the prompt and of the longest answer to it."""
        prompt = self._prompt(messages=body["messages"])
        if body.get("tools"):
            with_tools = self._prompt(messages=body["messages"], tools=body["tools"])
            if with_tools == prompt:
                raise ValueError("its template has no place for tools")
            prompt = with_tools
        return self._length(prompt) + int(body["max_tokens"])

    def _prompt(self, **asked: Any) -> str:
        prompt: str = self._post("/apply-template", asked)["prompt"]
        return prompt

    def _length(self, text: str) -> int:
        return len(self._post("/tokenize", {"content": text, "add_special": True})["tokens"])

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        """What llama.cpp's own server says, which nobody without the secret may ask."""
        address = urlsplit(self._server.listening_address)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=_COUNT_TIMEOUT_S)
        with contextlib.closing(connection):
            headers = {"Authorization": f"Bearer {self._secret}", "Content-Type": "application/json"}
            connection.request("POST", path, json.dumps(body).encode(), headers)
            answer = connection.getresponse()
            said = json.loads(answer.read())
        if answer.status != http.client.OK:
            raise ValueError(said["error"]["message"])  # whatever its code: the model was not asked yet
        return said

    def _say(self, **message: Any) -> None:
        line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        try:
            with self._writing:
                self._answers.write(line)
                self._answers.flush()
        except OSError:  # nobody listens any more
            _end()


def load_server(load: Load, secret: str) -> Any:
    """llama.cpp's server with the model; its own HTTP port asks for the secret."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = load.path
    params.n_ctx = load.context
    params.n_parallel = load.parallel
    params.kv_unified = True
    params.n_batch = 512
    params.verbosity = -1
    params.cache_ram_mib = _PROMPT_CACHE_MIB
    params.api_keys = [secret]
    params.endpoint_slots = False
    params.ui = False
    params.warmup = False  # the first request waits for this process
    for cpu in (params.cpuparams, params.cpuparams_batch):
        cpu.poll = 0  # threads that spin while they wait cost ten times the speed on a busy machine
        if load.threads:
            cpu.n_threads = load.threads
    return xllamacpp.Server(params)


def _end() -> NoReturn:
    os._exit(0)  # at once: llama.cpp's threads are at work


def main() -> None:
    """Run a Worker on standard input and output, which nothing else may write to."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # meant for the service, which ends this process when it is done
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    with contextlib.suppress(OSError):  # where memory is short, Linux shall end this process before the service
        Path("/proc/self/oom_score_adj").write_text("500", "ascii")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    Worker(sys.stdin.buffer, answers).run()
    _end()


if __name__ == "__main__":
    main()
