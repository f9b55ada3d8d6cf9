"""Failures of OpenAI-compatible servers as errors of the tree, with what they mean for the caller kept."""

from __future__ import annotations

import email.utils
import math
import time
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import (
    AutopickerError,
    ContextLengthError,
    InvalidRequestError,
    ModelBusyError,
    ModelSpec,
    RateLimitError,
    StreamFailedError,
    TransientUpstreamError,
    UpstreamError,
    UpstreamQuotaError,
    UpstreamTimeoutError,
)
from autopicker_lab.http_client import FailureReport

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_RETRY_AFTER_S = 86_400.0
_CONTEXT_CODES = frozenset(
    {
        "context_length_exceeded",
        "context_window_exceeded",
        "exceed_context_size_error",
        "model_context_window_exceeded",
        "model_max_prompt_tokens_exceeded",
        "prompt_too_long",
        "string_above_max_length",
    }
)
_CONTEXT_WORDS = (  # of servers that give it no code
    "maximum context length",  # vLLM, OpenRouter, Mistral
    "maximum model length",  # vLLM
    "maximum prompt length",  # xAI
    "model's context length",  # SGLang
    "context size",  # llama.cpp
    "context the overflows",  # LM Studio, as it writes it
    "greater than the context length",  # LM Studio
    "exceeds the context length",  # Ollama
    "exceeds maximum context length",
    "exceeds the context window",
    "exceed context limit",
    "exceeds context window",
    "context window exceeds limit",
    "context length exceeded",
    "prompt is too long",  # Anthropic
    "input token count",  # Google
    "exceeded model token limit",  # Moonshot
    "tokens in request more than max tokens allowed",  # Zhipu
    "`inputs` must have less than",  # Text Generation Inference
    "`inputs` tokens + `max_new_tokens` must be",
    "tokens in the prompt cannot exceed",  # Cohere
    "input is too long for requested model",  # Bedrock
    "prompt token count of",  # GitHub
    "max_tokens must be at least 1, got -",  # vLLM, of what a long prompt leaves
    "reduce the length of the messages",  # Groq
    "range of input length should be",  # DashScope
    "exceeds the maximum length",  # Volcano Engine
    "context_length_exceeded",  # a code among the words
)
_FILTER_CODES = frozenset({"content_filter", "content_policy_violation", "responsibleaipolicyviolation", "moderation"})
_QUOTA_CODES = frozenset(
    {
        "billing_hard_limit_reached",
        "billing_not_active",
        "exceeded_current_quota_error",
        "insufficient_balance",
        "insufficient_credits",
        "insufficient_quota",
        "quota_exceeded",
    }
)
_QUOTA_WORDS = (
    "credit balance is too low",
    "insufficient balance",
    "insufficient credits",
)  # of servers without a code
_KEY_CODES = frozenset({"invalid_api_key", "api_key_invalid", "authentication_error", "invalid_authentication"})
_RATE_CODES = frozenset({"rate_limit_exceeded", "rate_limit_error", "resource_exhausted", "too_many_requests"})
_BUSY_CODES = frozenset({"overloaded_error", "overloaded", "engine_overloaded", "engine_overloaded_error"})
_MODEL_CODES = frozenset({"model_not_found", "model_not_exist", "invalid_model"})
_TIMEOUTS = frozenset({408, 504, 524})
_LATER = "try again later"


def status_error(status: int, data: bytes, headers: Mapping[str, str], spec: ModelSpec) -> AutopickerError:
    """The error for an answer of another status than 2xx."""
    return _error(status, FailureReport.parse(data), headers, spec)


def reported_error(reported: FailureReport, spec: ModelSpec) -> AutopickerError:
    """The error for a failure within an answer of status 200, before anything was said."""
    return _error(reported.status or _status_of(reported), reported, {}, spec)


def stream_error(reported: FailureReport, spec: ModelSpec) -> AutopickerError:
    """The error for a failure that an event reports in the middle of an answer: what was said stays."""
    return StreamFailedError(
        f"'{spec.id}' failed in the middle",
        "ask again",
        quote=spec.without_secrets(reported.message),
        **_own_words(reported),
    )


def refusal(error: InvalidRequestError) -> str:
    """What a server refused of a request, in small letters, for finding names of parameters in it."""
    return f"{error.param or ''} {error.detail}".lower()


def _error(status: int, reported: FailureReport, headers: Mapping[str, str], spec: ModelSpec) -> AutopickerError:
    names = {name.lower() for name in (reported.code, reported.type) if name} | _inner_names(reported.details)
    quote: dict[str, Any] = {"quote": spec.without_secrets(reported.message)}  # some repeat the key
    words = {**quote, **_own_words(reported)}
    retry_after = _retry_after(headers, reported)
    if (status in (401, 403) and names & _FILTER_CODES) or _is_flagged(reported):
        names |= {"content_filter"}
    if names & _FILTER_CODES:
        own = {**words, "code": "content_filter"}
        return InvalidRequestError(f"'{spec.id}' refused the content of the request", "change what is asked", **own)
    if _is_context_error(status, names, reported):
        detail = f"the request is longer than '{spec.id}' can read"
        return ContextLengthError(detail, "shorten it or ask a model with a larger context", **quote)
    if status == 402 or names & _QUOTA_CODES or _says(reported, _QUOTA_WORDS):
        hint = "add credit at its provider, or ask another model"
        return UpstreamQuotaError(f"the account of '{spec.id}' has spent its quota", hint, **quote)
    if status in (401, 403) or (status == 400 and names & _KEY_CODES):
        return UpstreamError(f"'{spec.id}' refused the API key", "set its api_key in the configuration")
    if status == 429 or names & _RATE_CODES:
        own = {**words, "code": reported.code or RateLimitError.code}
        return RateLimitError(f"'{spec.id}' is over its rate limit", _LATER, retry_after=retry_after, **own)
    if status == 404 or (status in (400, 422) and names & _MODEL_CODES):
        detail = f"'{spec.id}' is not known at {spec.address}"
        return UpstreamError(detail, "check its 'model' and 'endpoint'", **quote)
    if status in (400, 413, 422):
        return InvalidRequestError(f"'{spec.id}' refused the request", "correct the request", **words)
    if status in _TIMEOUTS:
        detail = f"'{spec.id}' did not answer in time, as its server says ({status})"
        return UpstreamTimeoutError(detail, "try again or ask another model", **quote)
    if status == 529 or names & _BUSY_CODES or (status == 503 and retry_after is not None):
        return ModelBusyError(f"'{spec.id}' is overloaded", _LATER, retry_after=retry_after or 5.0, **quote)
    if status in (409, 425) or (status >= 500 and status != 501):
        detail = f"'{spec.id}' answered {status}"
        return TransientUpstreamError(detail, "try again or ask another model", **words)
    return _odd_status(status, headers, spec, quote)


def _odd_status(status: int, headers: Mapping[str, str], spec: ModelSpec, quote: Mapping[str, Any]) -> AutopickerError:
    hint = "check its 'endpoint' in the configuration"
    if 300 <= status < 400 and headers.get("location"):
        hint = f"its server is elsewhere: {headers['location'].split('?')[0][:200]}"
    return UpstreamError(f"'{spec.id}' answered {status}", hint, **quote)


def _own_words(reported: FailureReport) -> dict[str, Any]:
    """The code, type and param of a report, for an error's own."""
    given = {"code": reported.code, "kind": reported.type, "param": reported.param}
    return {name: value[:200] for name, value in given.items() if value}


def _inner_names(details: Mapping[str, Any]) -> set[str]:
    """Codes that stand further in: Azure's innererror, Google's reasons."""
    inner = details.get("innererror")
    rows = details.get("details")
    found = [inner.get("code")] if isinstance(inner, dict) else []
    found += [row.get("reason") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return {name.lower() for name in found if isinstance(name, str)}


def _is_flagged(reported: FailureReport) -> bool:
    """Whether a moderator refused the content, as OpenRouter reports that with a 403."""
    metadata = reported.details.get("metadata")
    return isinstance(metadata, dict) and bool(metadata.get("flagged_input"))


def _is_context_error(status: int, names: set[str], reported: FailureReport) -> bool:
    if names & _CONTEXT_CODES:
        return True
    if status in (401, 403, 429) or names & _RATE_CODES:
        return False
    return _says(reported, _CONTEXT_WORDS)


def _says(reported: FailureReport, phrases: tuple[str, ...]) -> bool:
    words = reported.message.lower()
    return any(phrase in words for phrase in phrases)


def _status_of(reported: FailureReport) -> int:
    """The status that a failure within an answer of status 200 stands for."""
    names = {name.lower() for name in (reported.code, reported.type) if name}
    if names & _RATE_CODES:
        return 429
    if names & _KEY_CODES:
        return 401
    return 400 if names & {"invalid_request_error", "badrequesterror", "invalid_argument"} else 502


def _retry_after(headers: Mapping[str, str], reported: FailureReport) -> float | None:
    """Seconds to wait, by the headers (milliseconds, seconds or a date), else by the report."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    seconds = milliseconds / 1000 if milliseconds is not None else _seconds_or_date(headers.get("retry-after", ""))
    seconds = reported.retry_after if seconds is None else seconds
    return None if seconds is None else min(max(seconds, 0.0), _MAX_RETRY_AFTER_S)


def _seconds_or_date(text: str) -> float | None:
    seconds = _number(text)
    if seconds is not None or not text:
        return seconds
    try:
        return email.utils.parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
