"""The nouns that every other part of the lab speaks in, and the error tree. Imports nothing of the rest."""

from autopicker_lab.core.chat import ChatChunk, ChatRequest, Message, Usage, assembled
from autopicker_lab.core.document import Cell, Document, Part, Table
from autopicker_lab.core.errors import (
    AuthenticationError,
    AutopickerError,
    ContextLengthError,
    CorruptFileError,
    EmptyFileError,
    EncryptedFileError,
    ExtractionLimitError,
    FileTooLargeError,
    InvalidRequestError,
    ModelBusyError,
    ModelUnavailableError,
    NotFoundError,
    RateLimitError,
    SettingsError,
    StorageError,
    TransientUpstreamError,
    UnknownFileError,
    UnknownModelError,
    UnsupportedFileError,
    UpstreamError,
    UpstreamTimeoutError,
)
from autopicker_lab.core.files import FORMATS, Format, ReadOptions, SourceFile
from autopicker_lab.core.ids import new_id
from autopicker_lab.core.line import Line
from autopicker_lab.core.outcomes import Outcome
from autopicker_lab.core.reply import ChatReply, ContextReport
from autopicker_lab.core.routing import Candidate, Complexity, Factor, ModelSpec, Route, RoutePolicy, Tier, gain_score
from autopicker_lab.core.speech import Segment, Transcript, Word
from autopicker_lab.core.stamp import RunStamp

__all__ = [
    "FORMATS",
    "AuthenticationError",
    "AutopickerError",
    "Candidate",
    "Cell",
    "ChatChunk",
    "ChatReply",
    "ChatRequest",
    "Complexity",
    "ContextLengthError",
    "ContextReport",
    "CorruptFileError",
    "Document",
    "EmptyFileError",
    "EncryptedFileError",
    "ExtractionLimitError",
    "Factor",
    "FileTooLargeError",
    "Format",
    "InvalidRequestError",
    "Line",
    "Message",
    "ModelBusyError",
    "ModelSpec",
    "ModelUnavailableError",
    "NotFoundError",
    "Outcome",
    "Part",
    "RateLimitError",
    "ReadOptions",
    "Route",
    "RoutePolicy",
    "RunStamp",
    "Segment",
    "SettingsError",
    "SourceFile",
    "StorageError",
    "Table",
    "Tier",
    "Transcript",
    "TransientUpstreamError",
    "UnknownFileError",
    "UnknownModelError",
    "UnsupportedFileError",
    "UpstreamError",
    "UpstreamTimeoutError",
    "Usage",
    "Word",
    "assembled",
    "gain_score",
    "new_id",
]
