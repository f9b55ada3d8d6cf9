"""Who comes when, where few work and many wait."""

import asyncio
from typing import Any

import pytest

from autopicker_lab.core import ModelBusyError
from autopicker_lab.runtime.fair_queue import FairQueue, working_for


class Rush:
    """Turns of named callers at a queue, each held until it is let go."""

    def __init__(self, queue: FairQueue) -> None:
        self.queue = queue
        self.began: list[str] = []
        self.go = asyncio.Event()

    def start(self, caller: str, size: int = 0) -> "asyncio.Task[None]":
        async def take() -> None:
            working_for.set(caller)
            async with self.queue.turn(size):
                self.began.append(caller)
                await self.go.wait()

        return asyncio.create_task(take())


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_rush_of_one_caller_leaves_a_slot_to_the_others() -> None:
    rush = Rush(FairQueue("work", 3, 100, 1000))
    tasks = [rush.start("a") for _ in range(5)]
    await settle()
    assert rush.began == ["a", "a"]  # of three slots
    tasks += [rush.start("b"), rush.start("c")]
    await settle()
    assert rush.began == ["a", "a", "b"]
    rush.go.set()
    await asyncio.gather(*tasks)
    assert rush.queue.length == 0
    assert rush.began[3] == "c" or rush.began[4] == "c"  # in rotation, not after all of a's


async def test_who_leaves_while_waiting_or_working_gives_the_place_back() -> None:
    rush = Rush(FairQueue("work", 1, 100, 1000))
    working, waiting, last = (rush.start(name) for name in "abc")
    await settle()
    waiting.cancel()
    working.cancel()
    await settle()
    assert rush.began == ["a", "c"]
    rush.go.set()
    await last
    assert rush.queue.length == 0


@pytest.mark.parametrize(("turns", "size", "fits"), [(3, 0, True), (5, 0, False), (2, 400, True), (3, 400, False)])
async def test_what_waits_is_bounded_for_each_caller(turns: int, size: int, fits: bool) -> None:
    rush = Rush(FairQueue("work", 1, 8, 1600))
    first = rush.start("other")
    await settle()
    tasks: list[Any] = [rush.start("a", size) for _ in range(turns)]
    await settle()
    refused = [task for task in tasks if task.done() and isinstance(task.exception(), ModelBusyError)]
    assert bool(refused) is not fits
    rush.go.set()
    await asyncio.gather(first, *tasks, return_exceptions=True)


async def test_one_turn_may_be_larger_than_all_that_may_wait() -> None:
    rush = Rush(FairQueue("work", 1, 8, 10))
    rush.go.set()
    await asyncio.gather(rush.start("a", 1000), rush.start("b", 1000))


def test_turns_pass_between_event_loops() -> None:
    queue = FairQueue("work", 1, 8, 10)
    entered: list[int] = []

    async def hold(number: int) -> None:
        async with queue.turn():
            entered.append(number)
            await asyncio.sleep(0.05)

    async def both() -> None:
        await asyncio.gather(hold(0), asyncio.to_thread(asyncio.run, hold(1)))

    asyncio.run(both())
    assert sorted(entered) == [0, 1]
    assert queue.length == 0
