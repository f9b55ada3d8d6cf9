"""Values that are made quickly are as the dataclasses that they are."""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, replace

import pytest

from autopicker_lab.core import ChatReply, ChatRequest, Message, Usage
from autopicker_lab.core.values import quickly_made


@quickly_made
@dataclass(frozen=True)
class _Point:
    x: int
    tags: list[str] = field(default_factory=list)
    name: str = "p"


def test_arguments_and_defaults_are_those_of_the_fields() -> None:
    assert _Point(1) == _Point(x=1, tags=[], name="p")
    assert _Point(1, ["a"], "q") == replace(_Point(1), tags=["a"], name="q")
    one, other = _Point(1), _Point(1)
    assert one.tags is not other.tags
    assert list(inspect.signature(_Point).parameters) == ["x", "tags", "name"]
    with pytest.raises(TypeError):
        _Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        _Point(1, [], "p", 2)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        _Point(1, y=2)  # type: ignore[call-arg]


def test_they_stay_frozen_and_can_be_copied_hashed_and_pickled() -> None:
    message = Message("user", "hello")
    with pytest.raises(FrozenInstanceError):
        message.role = "system"  # type: ignore[misc]
    request = ChatRequest((message,))
    assert request.question == "hello"
    for made in (copy.deepcopy(request), pickle.loads(pickle.dumps(request)), replace(request, model="auto")):
        assert made == request
        assert made.question == "hello"
    assert ChatReply("a", "m").id != ChatReply("a", "m").id
    assert Usage() == Usage(0, 0, 0, {})


def test_what_is_not_that_simple_is_refused() -> None:
    class Checked:
        x: int = 0

        def __post_init__(self) -> None:
            raise AssertionError

    for odd in (
        dataclass(frozen=True)(Checked),
        dataclass(frozen=True, kw_only=True)(type("K", (_Point,), {"__annotations__": {"z": "int"}})),
    ):
        with pytest.raises(TypeError, match="not as simple"):
            quickly_made(odd)
