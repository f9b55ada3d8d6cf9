"""Rewriter: a question that leans on the conversation before it, written anew so that it can be searched for alone."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from autopicker_lab.chat.fence import defuse
from autopicker_lab.chat.side_calls import SideCalls
from autopicker_lab.core import AutopickerError, ChatRequest, FileReading
from autopicker_lab.core.text import clip, ends

if TYPE_CHECKING:
    from autopicker_lab.chat.holding import ModelSource
    from autopicker_lab.core import Route

log = logging.getLogger(__name__)
_FEWEST = 2  # questions of a conversation whose last may lean on one before it
_EARLIER = 4  # messages before the question that are shown
_MESSAGE_CHARACTERS = 1_200
_ANSWER_TOKENS = 80
_MOST_CHARACTERS = 400
_WAIT_S = 15.0
_PROMPT = (
    "Write the last question of this conversation so that it can be understood alone: put the names that it refers to "
    "in place of words like it, they, there. Keep its language. Answer with the question and nothing else.\n\n{said}"
)


class Rewriter:
    """Has a model rewrite questions that are not the first of their conversation.

    Args:
        source: asks models: the pipeline. model: id of the one that rewrites, a cheap one; "": none does.
    """

    def __init__(self, source: ModelSource, model: str = ""):
        self._source, self._model = source, model

    async def rewritten(self, route: Route, request: ChatRequest) -> ChatRequest:
        """The request with what its files are to be searched for; where the model fails, as it came, with a warning."""
        said = [one for one in request.messages if one.role in ("user", "assistant") and one.text.strip()]
        if not self._model or len([one for one in said if one.role == "user"]) < _FEWEST or said[-1].role != "user":
            return request
        turns = [f"{one.role}: {defuse(ends(one.text, _MESSAGE_CHARACTERS))}" for one in said[-_EARLIER - 1 :]]
        alone = replace(route, model=self._source.catalogue.get(self._model).describe().id, fallbacks=())
        calls = SideCalls(self._source, alone, request)
        reading, question = request.reading or FileReading(), ""
        warnings: tuple[str, ...] = ()
        try:
            async with asyncio.timeout(_WAIT_S):
                answer = await calls.ask(_PROMPT.format(said="\n\n".join(turns)), _ANSWER_TOKENS)
                question = clip(answer, _MOST_CHARACTERS)
        except (AutopickerError, TimeoutError) as error:
            log.warning("a question was not rewritten: %s", type(error).__name__)
            warnings = (f"the question was searched for as it stands: {self._model} did not rewrite it",)
        told = replace(reading, question=question, calls=calls.calls, charged_usd=calls.charged_usd, warnings=warnings)
        return replace(request, reading=told)
