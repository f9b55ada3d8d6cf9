"""ReadingSteps: what models are asked about the files of a request before one of them answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autopicker_lab.chat.reading import WholeReader
from autopicker_lab.chat.rewriting import Rewriter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.chat.holding import ModelSource
    from autopicker_lab.chat.reader import Attachment
    from autopicker_lab.core import ChatRequest, ReadingPlan, Route
    from autopicker_lab.retrieval import Retriever


class ReadingSteps:
    """Rewrites questions, where a model is named for that, and reads files from end to end, where that is asked.

    Args:
        source: asks models: the pipeline. rewriter: id of the model that rewrites; "": none does.
    """

    def __init__(self, source: ModelSource, retriever: Retriever, rewriter: str = ""):
        self._rewriter = Rewriter(source, rewriter)
        self._whole = WholeReader(source, retriever)

    async def plan(self, model: str, request: ChatRequest, attachments: Sequence[Attachment]) -> ReadingPlan:
        """What it takes at most to read the files as `request.reading` says; asks no model.

        Raises:
            InvalidRequestError: its bounds do not allow any of it.
        """
        return await self._whole.plan(model, request, [attachment.document for attachment in attachments])

    async def done(self, route: Route, request: ChatRequest, attachments: Sequence[Attachment]) -> ChatRequest:
        """The request with what the steps gave, in its `reading`; as it came where there are none.

        Raises:
            InvalidRequestError: as `plan`. AutopickerError: no model could be asked.
        """
        if not attachments:
            return request
        request = await self._rewriter.rewritten(route, request)
        if request.reading is None or not request.reading.whole:
            return request
        return await self._whole.read(route, request, [attachment.document for attachment in attachments])
