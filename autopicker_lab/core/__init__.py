"""The nouns that every other part of the lab speaks in, and the error tree. Imports nothing of the rest."""

from autopicker_lab.core.cascade import Cascade, CascadeStep
from autopicker_lab.core.cascade_trace import CascadeCall, CascadeTrace
from autopicker_lab.core.chat import ChatRequest, LaterCall
from autopicker_lab.core.chunk import ChatChunk, Usage
from autopicker_lab.core.citations import AnswerSources, Citation, ReadPassage
from autopicker_lab.core.deltas import assemble_completion, assemble_message
from autopicker_lab.core.document import Cell, Document, Part, Table
from autopicker_lab.core.errors import (
    AuthenticationError,
    AutopickerError,
    BudgetError,
    ContextLengthError,
    CorruptFileError,
    EmptyFileError,
    EncryptedFileError,
    ExtractionLimitError,
    FileTooLargeError,
    InvalidRequestError,
    MethodNotAllowedError,
    MissingCapabilityError,
    MissingPackageError,
    ModelBusyError,
    ModelUnavailableError,
    NotFoundError,
    NoWorkerError,
    RateLimitError,
    RequestHeadersError,
    ServiceError,
    SettingsError,
    StoppedError,
    StorageError,
    StreamFailedError,
    TransientUpstreamError,
    UnknownFileError,
    UnknownModelError,
    UnreachableError,
    UnsupportedEncodingError,
    UnsupportedFileError,
    UpstreamError,
    UpstreamQuotaError,
    UpstreamTimeoutError,
    WorkerError,
)
from autopicker_lab.core.files import FORMATS, Format, ReadOptions, SourceFile
from autopicker_lab.core.ids import new_id
from autopicker_lab.core.message import Message
from autopicker_lab.core.model_spec import ModelSpec
from autopicker_lab.core.outcomes import Outcome
from autopicker_lab.core.places import Place
from autopicker_lab.core.policy import Guard, RoutePolicy, Tier, gain_score
from autopicker_lab.core.reading import FileReading, ReadingPlan
from autopicker_lab.core.reply import ChatReply, ContextReport
from autopicker_lab.core.routing import Candidate, Complexity, Factor, Route
from autopicker_lab.core.segments import Decoding, Segment, Word
from autopicker_lab.core.speech import SpeechOptions, Transcript
from autopicker_lab.core.stamp import RunStamp
from autopicker_lab.core.vision import Vision

__all__ = [
    "FORMATS",
    "AnswerSources",
    "AuthenticationError",
    "AutopickerError",
    "BudgetError",
    "Candidate",
    "Cascade",
    "CascadeCall",
    "CascadeStep",
    "CascadeTrace",
    "Cell",
    "ChatChunk",
    "ChatReply",
    "ChatRequest",
    "Citation",
    "Complexity",
    "ContextLengthError",
    "ContextReport",
    "CorruptFileError",
    "Decoding",
    "Document",
    "EmptyFileError",
    "EncryptedFileError",
    "ExtractionLimitError",
    "Factor",
    "FileReading",
    "FileTooLargeError",
    "Format",
    "Guard",
    "InvalidRequestError",
    "LaterCall",
    "Message",
    "MethodNotAllowedError",
    "MissingCapabilityError",
    "MissingPackageError",
    "ModelBusyError",
    "ModelSpec",
    "ModelUnavailableError",
    "NoWorkerError",
    "NotFoundError",
    "Outcome",
    "Part",
    "Place",
    "RateLimitError",
    "ReadOptions",
    "ReadPassage",
    "ReadingPlan",
    "RequestHeadersError",
    "Route",
    "RoutePolicy",
    "RunStamp",
    "Segment",
    "ServiceError",
    "SettingsError",
    "SourceFile",
    "SpeechOptions",
    "StoppedError",
    "StorageError",
    "StreamFailedError",
    "Table",
    "Tier",
    "Transcript",
    "TransientUpstreamError",
    "UnknownFileError",
    "UnknownModelError",
    "UnreachableError",
    "UnsupportedEncodingError",
    "UnsupportedFileError",
    "UpstreamError",
    "UpstreamQuotaError",
    "UpstreamTimeoutError",
    "Usage",
    "Vision",
    "Word",
    "WorkerError",
    "assemble_completion",
    "assemble_message",
    "gain_score",
    "new_id",
]
