"""Chat with files: read them, fit them to the model, route, ask."""

from autopicker_lab.chat.answer_stream import AnswerStream
from autopicker_lab.chat.context import Context, fit
from autopicker_lab.chat.embedding import Embedder
from autopicker_lab.chat.pipeline import Pipeline
from autopicker_lab.chat.reader import Attachment, Reader
from autopicker_lab.chat.stream import ChatStream

__all__ = ["AnswerStream", "Attachment", "ChatStream", "Context", "Embedder", "Pipeline", "Reader", "fit"]
