"""`Workbench.stream` in plain code, in a coroutine and awaited; left early, with a file, and with errors."""

import asyncio
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from autopicker_lab import Workbench
from autopicker_lab.core import InvalidRequestError, StoppedError, UnknownModelError, UnsupportedFileError

QUESTION = "Name three boats."
MODEL = "smollm2-135m"


def requests_of_model(lab: Workbench) -> Any:
    return lab.catalogue.pending()[MODEL]


def wait_until_model_is_idle(lab: Workbench) -> None:
    deadline = time.monotonic() + 15  # its 2,000 tokens would take longer
    while requests_of_model(lab):
        assert time.monotonic() < deadline, "the model still works"
        time.sleep(0.01)


def test_a_script_iterates_a_stream(lab: Workbench) -> None:
    stream = lab.stream(QUESTION, max_tokens=8)
    text = "".join([chunk.content for chunk in stream])
    assert text == stream.reply.text != ""
    assert stream.model == stream.reply.model == stream.route.model == MODEL
    assert stream.usage == stream.reply.usage
    assert 0 < stream.first_token_s < stream.total_s
    assert stream.finish_reason == "length"
    assert list(stream) == []


async def test_a_coroutine_iterates_a_stream_awaited_or_not(lab: Workbench) -> None:
    stream = lab.stream(QUESTION, max_tokens=8)
    assert "".join([chunk.content async for chunk in stream]) == stream.reply.text != ""
    awaited = await lab.stream(QUESTION, max_tokens=8)
    assert "".join([chunk.content async for chunk in awaited]) == awaited.reply.text != ""
    assert awaited.route == stream.route


async def test_plain_code_iterates_inside_a_running_loop(lab: Workbench) -> None:
    assert [chunk.content for chunk in lab.stream(QUESTION, max_tokens=4)]


def test_a_script_that_leaves_the_loop_ends_the_models_work(lab: Workbench) -> None:
    stream = lab.stream(QUESTION, max_tokens=2000)
    for _ in stream:
        assert requests_of_model(lab) == 1
        break
    wait_until_model_is_idle(lab)
    assert stream.reply is None
    assert list(stream) == []


def test_a_script_closes_a_stream_before_and_after_its_first_piece(lab: Workbench) -> None:
    with lab.stream(QUESTION) as stream:
        pass
    assert list(stream) == []
    with lab.stream(QUESTION, max_tokens=2000) as stream:
        pieces = iter(stream)
        next(pieces)
    wait_until_model_is_idle(lab)
    assert list(pieces) == []
    stream.close()


async def test_a_coroutine_that_leaves_the_loop_ends_the_models_work(lab: Workbench) -> None:
    async for _ in lab.stream(QUESTION, max_tokens=2000):
        assert requests_of_model(lab) == 1
        break
    await asyncio.sleep(0.2)  # the loop closes a generator that was left
    wait_until_model_is_idle(lab)


async def test_a_coroutine_closes_a_stream_in_either_way(lab: Workbench) -> None:
    async with lab.stream(QUESTION, max_tokens=2000) as stream:
        pieces = aiter(stream)
        await anext(pieces)
        assert requests_of_model(lab) == 1
    wait_until_model_is_idle(lab)
    stream = lab.stream(QUESTION, max_tokens=2000)
    pieces = aiter(stream)
    await anext(pieces)
    stream.close()
    await asyncio.sleep(0.2)
    wait_until_model_is_idle(lab)


async def test_a_coroutine_closes_what_plain_code_iterates(lab: Workbench) -> None:
    stream = lab.stream(QUESTION, max_tokens=2000)
    next(iter(stream))
    await stream.aclose()
    wait_until_model_is_idle(lab)


def test_a_stream_that_is_closed_in_another_thread_says_so(lab: Workbench) -> None:
    stream = lab.stream("Tell a long story of the sea. " * 150, max_tokens=2000)  # some time to the first piece
    timer = threading.Timer(0.1, stream.close)
    timer.start()
    with pytest.raises(StoppedError):
        for _ in stream:
            pass
    timer.join()
    wait_until_model_is_idle(lab)


def test_an_interrupt_ends_the_models_work(lab: Workbench) -> None:
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    stream = lab.stream("Tell a long story of the sea. " * 150, max_tokens=2000)
    timer.start()
    with pytest.raises(KeyboardInterrupt), stream:
        list(stream)
    timer.join()
    wait_until_model_is_idle(lab)


def test_files_are_read_when_a_stream_is_iterated(lab: Workbench, samples: Path, tmp_path: Path) -> None:
    stream = lab.stream("Who may sail?", [samples / "handbook.md"], max_tokens=4)
    assert not stream.context.used
    assert list(stream)
    assert all(label.startswith("handbook.md") for label in stream.context.used)
    assert stream.reply.context == stream.context
    unknown = tmp_path / "a.xyz"
    unknown.write_bytes(bytes(range(256)))
    stream = lab.stream("What?", [unknown])
    with pytest.raises(UnsupportedFileError):
        list(stream)


async def test_an_unknown_model_is_told_where_the_stream_is_iterated(lab: Workbench) -> None:
    stream = lab.stream("hi", model="gpt-9")
    with pytest.raises(UnknownModelError, match="smollm2"):
        next(iter(stream))
    with pytest.raises(UnknownModelError):
        async for _ in lab.stream("hi", model="gpt-9"):
            pass
    with pytest.raises(UnknownModelError):
        async for _ in await lab.stream("hi", model="gpt-9"):
            pass


@pytest.mark.parametrize("prompt", ["", " \n\t", [], [{"role": "user", "content": " "}]])
async def test_an_empty_prompt_is_refused_before_anything_is_asked(lab: Workbench, prompt: Any) -> None:
    for ask in (lab.ask, lab.stream):
        with pytest.raises(InvalidRequestError, match="the prompt is empty"):
            ask(prompt)
    with pytest.raises(InvalidRequestError, match="the prompt is empty"):
        await lab.aask(prompt)


def test_a_file_or_a_picture_alone_is_a_prompt(lab: Workbench, samples: Path) -> None:
    assert lab.ask("", [samples / "handbook.md"], max_tokens=2).context.used
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,eA=="}}
    lab.stream([{"role": "user", "content": [picture]}]).close()
