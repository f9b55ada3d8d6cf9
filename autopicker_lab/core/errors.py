"""The error tree. Each class knows its HTTP status and its OpenAI error type; each instance its next step.

AutopickerError                     500
  SettingsError                     500  a setting is invalid; the start stops
  InvalidRequestError               400  the request cannot be served as it stands
    EmptyFileError                  400
    CorruptFileError                400  damaged, or past the limits of a reader
      EncryptedFileError            400  needs a password, or another one
    ExtractionLimitError            400  took more time or memory than an upload may
    ContextLengthError              400  longer than any available model can read
  AuthenticationError               401
  NotFoundError                     404
    UnknownFileError                404
    UnknownModelError               404
  FileTooLargeError                 413
  UnsupportedFileError              415
  RateLimitError                    429
  MissingPackageError               501  this installation lacks an optional package
  UpstreamError                     502  a model's server answered wrongly
    TransientUpstreamError          502  it broke before it answered: another try may do
  ModelUnavailableError             503  no model can take the request now
    ModelBusyError                  503  it is well, but too many wait for it
  UpstreamTimeoutError              504
  StorageError                      507  a file cannot be written
"""

from __future__ import annotations


class AutopickerError(Exception):
    """Something failed, and `hint` says what to do next.

    Attributes:
        detail: what happened, one line; `plain` is the same without `said`.
        hint: the next step, one line; "" where there is none to give.
        status: the HTTP status the service answers with.
        kind: OpenAI's name for this family of errors.

    Args:
        said: another server's words, which may quote the question: for whoever asked, not for a log.
    """

    status = 500
    kind = "api_error"
    title = "Internal server error"

    def __init__(
        self,
        detail: str,
        hint: str = "",
        *,
        said: object = None,
        param: str | None = None,
        retry_after: float | None = None,
    ):
        self.plain = detail
        self.detail = f"{detail}: {said}" if said else detail
        super().__init__(self.detail, hint)
        self.hint = hint
        self.param = param
        self.retry_after = retry_after

    def __str__(self) -> str:
        hint = self.hint[:1].upper() + self.hint[1:]
        return ". ".join(words.rstrip(".") for words in (self.detail, hint) if words)

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows in place of a traceback (a hook of IPython's)."""
        return [f"{type(self).__name__}: {self}"]

    def to_dict(self) -> dict[str, str]:
        return {"type": type(self).__name__, "detail": self.detail, "hint": self.hint}


class SettingsError(AutopickerError):
    title = "Invalid setting"


class InvalidRequestError(AutopickerError):
    status = 400
    kind = "invalid_request_error"
    title = "Invalid request"


class EmptyFileError(InvalidRequestError):
    title = "Empty file"


class CorruptFileError(InvalidRequestError):
    title = "Unreadable file"


class EncryptedFileError(CorruptFileError):
    title = "Encrypted file"


class ExtractionLimitError(InvalidRequestError):
    title = "File too costly to read"


class ContextLengthError(InvalidRequestError):
    title = "Request too long"


class AuthenticationError(AutopickerError):
    status = 401
    kind = "authentication_error"
    title = "Unauthorized"


class NotFoundError(AutopickerError):
    status = 404
    kind = "not_found_error"
    title = "Not found"


class UnknownFileError(NotFoundError):
    pass


class UnknownModelError(NotFoundError):
    pass


class FileTooLargeError(AutopickerError):
    status = 413
    kind = "invalid_request_error"
    title = "File too large"


class UnsupportedFileError(AutopickerError):
    status = 415
    kind = "invalid_request_error"
    title = "Unsupported file"


class RateLimitError(AutopickerError):
    status = 429
    kind = "rate_limit_error"
    title = "Too many requests"


class MissingPackageError(AutopickerError):
    """An optional package is not installed; the hint is the line that installs it."""

    status = 501
    title = "Not installed"


class UpstreamError(AutopickerError):
    status = 502
    title = "Upstream error"


class TransientUpstreamError(UpstreamError):
    pass


class ModelUnavailableError(AutopickerError):
    status = 503
    title = "No model available"


class ModelBusyError(ModelUnavailableError):
    title = "Too busy"


class UpstreamTimeoutError(AutopickerError):
    status = 504
    title = "Upstream too slow"


class StorageError(AutopickerError):
    status = 507
    title = "Cannot write"

    @classmethod
    def of(cls, error: OSError, path: object) -> StorageError:
        """What the system said about a file that was to be written."""
        return cls(f"cannot write '{path}': {error.strerror or error}", "free some space, or name another place")
