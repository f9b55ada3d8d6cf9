"""Recordings at the same time: short ones beside long ones, equal ones once, and those that leave."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from autopicker_lab.chat import Reader
from autopicker_lab.core import Document, ModelBusyError, Segment, SourceFile, SpeechOptions, Transcript
from autopicker_lab.runtime.progress import Progress


class Listener:
    """Hears each recording until it is let go, by its name, or stopped."""

    model = "listener"

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.stopped: list[str] = []
        self.ends = threading.Event()

    def transcribe(
        self,
        file: SourceFile,
        options: SpeechOptions = SpeechOptions(),
        *,
        progress: Progress | None = None,
        heard: Callable[[Segment], None] | None = None,
    ) -> Transcript:
        self.heard.append(file.name)
        assert progress is not None
        while file.name.startswith("long") and not self.ends.wait(0.005):
            if progress(0, 10) is False:
                self.stopped.append(file.name)
                break
        return Transcript(file.name, f"heard {file.name}", "en", 1.0)

    def release(self) -> None:
        """Nothing is kept."""


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def reader(listener: Listener) -> Reader:
    async def extract(file: SourceFile) -> Document:
        raise AssertionError(file)

    return Reader(extract, listener)


def recording(name: str, size: int = 10) -> SourceFile:
    return SourceFile(name, name.encode().ljust(size, b"."), "wav")


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(5000):
        if condition():
            return
        await asyncio.sleep(0.002)
    raise TimeoutError


async def test_a_short_one_does_not_wait_for_long_ones(reader: Reader, listener: Listener) -> None:
    long = [asyncio.create_task(reader.transcribe(recording(f"long {i}"))) for i in range(5)]
    await until(lambda: len(listener.heard) == 5)
    assert (await reader.transcribe(recording("short"))).text == "heard short"
    assert not any(task.done() for task in long)
    listener.ends.set()
    assert [(await task).text for task in long] == [f"heard long {i}" for i in range(5)]


async def test_twenty_at_once_are_all_answered(reader: Reader, listener: Listener) -> None:
    tasks = [asyncio.create_task(reader.transcribe(recording(f"long {i}"))) for i in range(20)]
    await until(lambda: reader.queue_length() == 20)
    listener.ends.set()
    assert len(await asyncio.gather(*tasks)) == 20


async def test_a_full_queue_says_when_to_come_again(reader: Reader, listener: Listener) -> None:
    tasks = [asyncio.create_task(reader.transcribe(recording(f"long {i}"))) for i in range(40)]
    await until(lambda: any(task.done() for task in tasks))
    listener.ends.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    refused = [result for result in results if isinstance(result, ModelBusyError)]
    assert 0 < len(refused) <= 20
    assert all(error.retry_after for error in refused)
    assert sum(isinstance(result, Transcript) for result in results) == 40 - len(refused)


async def test_equal_ones_are_heard_once(reader: Reader, listener: Listener) -> None:
    tasks = [asyncio.create_task(reader.transcribe(recording("long"))) for _ in range(6)]
    await until(lambda: len(listener.heard) == 1)
    await asyncio.sleep(0.02)
    listener.ends.set()
    assert {task.text for task in await asyncio.gather(*tasks)} == {"heard long"}
    assert listener.heard == ["long"]


async def test_who_leaves_is_stopped_and_an_equal_one_goes_on(reader: Reader, listener: Listener) -> None:
    first, second = (asyncio.create_task(reader.transcribe(recording("long"))) for _ in range(2))
    await until(lambda: len(listener.heard) == 1)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await until(lambda: len(listener.heard) == 2)
    await until(lambda: listener.stopped == ["long"])
    listener.ends.set()
    assert (await second).text == "heard long"
    assert reader.queue_length() == 0


async def test_who_waits_for_an_equal_one_may_leave_alone(reader: Reader, listener: Listener) -> None:
    first = asyncio.create_task(reader.transcribe(recording("long")))
    await until(lambda: len(listener.heard) == 1)
    second = asyncio.create_task(reader.transcribe(recording("long")))
    await asyncio.sleep(0.02)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    listener.ends.set()
    assert (await first).text == "heard long"
