"""What it costs that a local model runs in a process of its own: tokens a second there, and in this process.

`uv run python -m autopicker_lab.benchmark.local_process` asks both in turns, so that a busy machine slows both alike.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from contextlib import aclosing
from typing import Any

from autopicker_lab.core import ChatRequest, ModelSpec
from autopicker_lab.models.local import LocalModel
from autopicker_lab.models.local_worker import Load, load_server
from autopicker_lab.models.weights import weights

_PROMPT = "Tell a long story about a lighthouse keeper."


async def compare(rounds: int, tokens: int, at_once: int, threads: int) -> dict[str, float]:
    """Median tokens a second in a child process and in this one, their ratio, and the first piece's delay in ms."""
    child = LocalModel(ModelSpec("child", "local"), threads)
    here = load_server(Load(str(weights("")), 8192, 4, threads), "not asked over HTTP")
    request = ChatRequest.of(_PROMPT, options={"max_tokens": tokens})
    measured: dict[str, list[tuple[float, float]]] = {"child": [], "here": []}
    await child.warm_up()
    for _ in range(rounds):
        measured["child"] += await _timed([_in_child(child, request) for _ in range(at_once)])
        measured["here"] += await _timed(
            [asyncio.to_thread(_in_here, here, child.body(request)) for _ in range(at_once)]
        )
    await child.close()
    speed = {name: statistics.median(rate for rate, _ in times) for name, times in measured.items()}
    first = {name: 1000 * statistics.median(first for _, first in times) for name, times in measured.items()}
    return {
        "child_tokens_per_s": speed["child"],
        "here_tokens_per_s": speed["here"],
        "ratio": speed["child"] / speed["here"],
        "child_first_ms": first["child"],
        "here_first_ms": first["here"],
    }


async def _timed(answers: list[Any]) -> list[tuple[float, float]]:
    """Tokens a second of answers that are made at once, and the seconds to the first piece of each."""
    started_at = time.perf_counter()
    pieces = await asyncio.gather(*answers)
    seconds = time.perf_counter() - started_at
    rate = sum(count for count, _ in pieces) / seconds
    return [(rate, first_at - started_at) for _, first_at in pieces]


async def _in_child(model: LocalModel, request: ChatRequest) -> tuple[int, float]:
    count, first_at = 0, 0.0
    async with aclosing(model.stream(request)) as chunks:
        async for chunk in chunks:
            if chunk.content:
                first_at = first_at or time.perf_counter()
                count += 1
    return count, first_at


def _in_here(server: Any, body: dict[str, Any]) -> tuple[int, float]:
    count, first_at = 0, 0.0

    def each(event: dict[str, Any]) -> bool:
        nonlocal count, first_at
        if event.get("choices") and event["choices"][0]["delta"].get("content"):
            first_at = first_at or time.perf_counter()
            count += 1
        return False

    server.handle_chat_completions(body, each)
    return count, first_at


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0, help="of llama.cpp; 0: as many as cores")
    options = parser.parse_args()
    for name, value in asyncio.run(compare(options.rounds, options.tokens, options.at_once, options.threads)).items():
        sys.stdout.write(f"{name:>20} {value:9.2f}\n")


if __name__ == "__main__":
    main()
