"""The error tree. Each class has its HTTP status, OpenAI's type and code; each instance has its next step.

AutopickerError                     500
  SettingsError                     500  a setting is invalid; the start stops
  WorkerError                       500  a worker process ended before its work did
    NoWorkerError                   500  none can be started
  InvalidRequestError               400  the request cannot be served as it stands
    EmptyFileError                  400
    CorruptFileError                400  damaged, or past the limits of a reader
      EncryptedFileError            400  needs a password, or another one
    ExtractionLimitError            400  took more time or memory than an upload may
    ContextLengthError              400  longer than any available model can read
    MissingCapabilityError          400  needs what no model that it may go to can do
    MethodNotAllowedError           405
    RequestHeadersError             431  a request line or headers past their bounds
  AuthenticationError               401
  NotFoundError                     404
    UnknownFileError                404
    UnknownModelError               404
  FileTooLargeError                 413
  UnsupportedFileError              415
  UnsupportedEncodingError          415  a request body is packed in an unknown way
  RateLimitError                    429
    BudgetError                     429  an API key has spent what it may
    UpstreamQuotaError              429  the account at a model's server has spent what it may
  StoppedError                      499  whoever asked for the work ended it
  MissingPackageError               501  this installation lacks an optional package
  UpstreamError                     502  a model's server answered wrongly
    TransientUpstreamError          502  it broke before it answered: another try may do
    StreamFailedError               502  it reported a failure of its own in the middle of an answer
  ModelUnavailableError             503  no model can take the request now
    ModelBusyError                  503  it is well, but too many wait for it
  UpstreamTimeoutError              504
  StorageError                      507  a file cannot be written
  ServiceError                      500  what a client of the service raises; an instance has the status of the answer
    UnreachableError                0    the service was not reached, and another try will not mend that
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


def with_hint(detail: str, hint: str) -> str:
    """A failure and its next step as sentences; either may be empty."""
    return ". ".join(text.rstrip(".") for text in (detail, hint[:1].upper() + hint[1:]) if text)


class AutopickerError(Exception):
    """Something failed, and `hint` says what to do next.

    Attributes:
        detail: what happened, one line; `loggable` is the same without `quote`.
        hint: the next step, one line; "" where there is none to give.
        param: the field of the request that is wrong; None where it is not one field.
        retry_after: seconds after which another try may succeed; None where nobody knows.
        status: the HTTP status the service answers with.
        kind: OpenAI's type for this family of errors, or the type that another server gave.
        code: OpenAI's code for this error, or the code that another server gave; None where there is none.
        title: the short name that the service answers with in `error`.

    Args:
        quote: another server's message, which may repeat the question: for whoever asked, not for a log.
    """

    status = 500
    kind = "api_error"
    code: str | None = None
    title = "Internal server error"

    def __init__(
        self,
        detail: str,
        hint: str = "",
        *,
        quote: object = None,
        param: str | None = None,
        retry_after: float | None = None,
        kind: str | None = None,
        code: str | None = None,
    ):
        self.loggable = detail
        self.detail = f"{detail}: {quote}" if quote else detail
        super().__init__(self.detail, hint)
        self.hint = hint
        self.param = param
        self.retry_after = retry_after
        if kind is not None:
            self.kind = kind
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return with_hint(self.detail, self.hint)

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows in place of a traceback (a hook of IPython's)."""
        return [f"{type(self).__name__}: {self}"]

    def to_dict(self) -> dict[str, str]:
        """The error as JSON: type (the name of its class), detail, hint."""
        return {"type": type(self).__name__, "detail": self.detail, "hint": self.hint}


class SettingsError(AutopickerError):
    """A setting, or a file that a setting names, is invalid."""

    title = "Invalid setting"


class WorkerError(AutopickerError):
    """A worker process ended, or a cluster lost a task, before the work was done; the work itself may be sound."""

    title = "Worker process ended"


class NoWorkerError(WorkerError):
    """No worker process can be started, so that nothing of its kind can be done."""

    title = "No worker process"


class InvalidRequestError(AutopickerError):
    """A mistake of the caller: an argument, a file or a request body that cannot be served as it stands."""

    status = 400
    kind = "invalid_request_error"
    title = "Invalid request"


class EmptyFileError(InvalidRequestError):
    """A file has no bytes."""

    title = "Empty file"


class CorruptFileError(InvalidRequestError):
    """A file cannot be read: it is damaged, or past the limits of its reader."""

    title = "Unreadable file"


class EncryptedFileError(CorruptFileError):
    """A file needs a password, or another one than was given."""

    title = "Encrypted file"


class ExtractionLimitError(InvalidRequestError):
    """Reading a file took more time or memory than it may, or crashed its process."""

    title = "File too costly to read"


class ContextLengthError(InvalidRequestError):
    """A request is longer than any model that may answer it can read."""

    code = "context_length_exceeded"
    title = "Request too long"


class MissingCapabilityError(InvalidRequestError):
    """A request needs something, such as tools, that no model which it may go to can do."""

    code = "unsupported_capability"
    title = "Not supported by the model"


class MethodNotAllowedError(InvalidRequestError):
    """A route does not know the HTTP method."""

    status = 405
    title = "Method not allowed"


class RequestHeadersError(InvalidRequestError):
    """A request line or the headers of a request are too long, or too many."""

    status = 431
    title = "Headers too large"


class AuthenticationError(AutopickerError):
    """An API key is missing or wrong, or the caller may not do this."""

    status = 401
    kind = "authentication_error"
    code = "invalid_api_key"
    title = "Unauthorized"


class NotFoundError(AutopickerError):
    """Nothing has the id, name or path that was asked for."""

    status = 404
    kind = "not_found_error"
    title = "Not found"


class UnknownFileError(NotFoundError):
    """No upload has the id."""


class UnknownModelError(NotFoundError):
    """No model of the catalogue has the id or alias."""

    code = "model_not_found"

    @classmethod
    def not_allowed(cls, name: str, allowed: Collection[str]) -> UnknownModelError:
        """The error for a caller who may use these models alone: it does not say which others there are."""
        what = f"the model '{name}'" if name else "any model here"
        return cls(f"this key may not use {what}", f"it may use: {', '.join(sorted(allowed))}", param="model")


class FileTooLargeError(AutopickerError):
    """An upload is larger than MAX_FILE_SIZE."""

    status = 413
    kind = "invalid_request_error"
    title = "File too large"


class UnsupportedFileError(AutopickerError):
    """A file has a format that no reader is installed for."""

    status = 415
    kind = "invalid_request_error"
    title = "Unsupported file"


class UnsupportedEncodingError(AutopickerError):
    """The body of a request is packed (Content-Encoding) in a way that is not known here."""

    status = 415
    kind = "invalid_request_error"
    title = "Unsupported encoding"


class RateLimitError(AutopickerError):
    """A caller, or this service at a model's server, made more requests than it may."""

    status = 429
    kind = "rate_limit_error"
    code = "rate_limit_exceeded"
    title = "Too many requests"


class BudgetError(RateLimitError):
    """An API key has spent what it may in its day or month."""

    code = "insufficient_quota"
    title = "Budget spent"


class UpstreamQuotaError(RateLimitError):
    """The account that a model is asked with has nothing left to spend: waiting does not help."""

    code = "insufficient_quota"
    title = "Upstream quota spent"


class StoppedError(AutopickerError):
    """Whoever asked for the work ended it (a `progress` that returned False) before there was a result."""

    status = 499  # nginx's "client closed request"
    title = "Stopped"

    @classmethod
    def of(cls, work: str) -> StoppedError:
        """The error for `work` (a noun), which whoever asked for it has ended."""
        return cls(f"{work} was stopped before it had a result", "start it again")


class MissingPackageError(AutopickerError):
    """An optional package is not installed; the hint is the line that installs it."""

    status = 501
    title = "Not installed"


class UpstreamError(AutopickerError):
    """A model's server answered wrongly."""

    status = 502
    title = "Upstream error"


class TransientUpstreamError(UpstreamError):
    """A model's server broke before it answered, so that another try may succeed."""


class StreamFailedError(UpstreamError):
    """A model's server reported, as an event within a streamed answer, that it had failed."""


class ModelUnavailableError(AutopickerError):
    """No model can take the request now."""

    status = 503
    title = "No model available"


class ModelBusyError(ModelUnavailableError):
    """A model is well, but too many requests wait for it."""

    title = "Too busy"


class UpstreamTimeoutError(AutopickerError):
    """A model's server did not answer in time."""

    status = 504
    title = "Upstream too slow"


class StorageError(AutopickerError):
    """A file cannot be written."""

    status = 507
    title = "Cannot write"

    @classmethod
    def of(cls, error: OSError, path: object) -> StorageError:
        """The error for a file at `path` that the system refused to write, with the system's reason."""
        return cls(f"cannot write '{path}': {error.strerror or error}", "free some space, or name another place")


class ServiceError(AutopickerError):
    """The service refused a client's request, or failed.

    Attributes:
        status: the HTTP status of its answer; 0 where it could not be reached.
        request_id: to be quoted in a report; None where there was no answer.
    """

    def __init__(
        self,
        detail: str,
        hint: str = "",
        status: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ):
        super().__init__(detail, hint, retry_after=retry_after)
        if status is not None:
            self.status = status
        self.request_id = request_id


class UnreachableError(ServiceError):
    """The service was not reached in a way that another try will not mend."""

    status = 0
