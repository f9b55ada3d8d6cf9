"""How right an answer is of which nobody knows the right one: by the graders that need no reference."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from autopicker_lab.core import ChatRequest, SettingsError
from autopicker_lab.grading.grade import check_answer, grade_by_judge, grade_reply
from autopicker_lab.grading.pairwise import prefer
from autopicker_lab.routing.requirements import is_local

if TYPE_CHECKING:
    from pathlib import Path

    from autopicker_lab.live.allowance import Allowance
    from autopicker_lab.models import Catalogue

_JUDGING = {"temperature": 0, "max_tokens": 16}
_JUDGES = ("judge", "pairwise")
_NAMED = ("judge:", "pairwise:", "regex:")


class Grades(NamedTuple):
    """What a grader gives two answers to one request, 0 to 1; None where they have no grade.

    Attributes:
        served: of the answer that left. other: of the one in the shadow.
        first_gains: of one that compares them in both orders, see PairVerdict; else None.
    """

    served: float | None = None
    other: float | None = None
    first_gains: float | None = None


class ShadowGrader:
    """Grades by what SHADOW_GRADER names: `judge:MODEL`, `pairwise:MODEL`, `regex:PATTERN`, `schema`, or one's own.

    `judge` sees one answer at a time; `pairwise` says which of the two is better, each shown first once. `schema`
    holds an answer to the schema that its request asked for; a person's own function is given the reply and the
    question.

    Raises:
        SettingsError: there is no such grader.
    """

    def __init__(self, name: str, catalogue: Catalogue, allowance: Allowance, folder: Path | None = None):
        self.name = name
        self._kind, _, self._argument = name.partition(":") if name.startswith(_NAMED) else (name, "", "")
        self._catalogue = catalogue
        self._allowance = allowance
        self._folder = folder
        if self._kind not in (*_JUDGES, "schema"):
            try:
                check_answer(self._kind, self._argument, folder)
            except Exception as error:
                hint = "name judge:MODEL, pairwise:MODEL, regex:PATTERN, schema, my.py:function or an entry point"
                raise SettingsError(f"SHADOW_GRADER: {error}", hint) from None

    @property
    def stays_here(self) -> bool:
        """Whether what it grades stays on this machine."""
        return self._kind not in _JUDGES or is_local(self._catalogue.get(self._argument).describe())

    async def grade(self, request: ChatRequest, served: str, other: str) -> Grades:
        """The grades of two answers to a request."""
        if self._kind == "pairwise":
            preferred = await prefer(request.question, served, other, self._ask_judge)
            return Grades() if preferred is None else Grades(*preferred)
        return Grades(await self._alone(request, served), await self._alone(request, other))

    async def _alone(self, request: ChatRequest, reply: str) -> float | None:
        if self._kind == "judge":
            return await grade_by_judge(request.question, reply, None, self._ask_judge)
        if self._kind == "schema":
            schema = _schema_of(request)
            return None if schema is None else await asyncio.to_thread(grade_reply, "json_schema", reply, schema)
        answer = self._argument if self._kind == "regex" else request.question
        return await asyncio.to_thread(grade_reply, self._kind, reply, answer, folder=self._folder)

    async def _ask_judge(self, text: str) -> str:
        model = self._catalogue.get(self._argument)
        reply = await model.complete(ChatRequest.of(text, model=self._argument, options=_JUDGING))
        self._allowance.spend(reply.usage.cost_usd(model.describe()))
        return reply.text


def _schema_of(request: ChatRequest) -> object:
    shape = request.options.get("response_format")
    wrapped = shape.get("json_schema") if isinstance(shape, Mapping) else None
    return wrapped.get("schema") if isinstance(wrapped, Mapping) else None
