"""One frozen Settings, read once from the environment, a .env file and the YAML that AUTOPICKER_CONFIG names."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import platformdirs
from pydantic import (
    BaseModel,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as SourceError

from autopicker_lab.catalogue_file import read_models
from autopicker_lab.core import ModelSpec, SettingsError
from autopicker_lab.core.addresses import without_secrets
from autopicker_lab.known_models import SMOLLM2_QUALITY, recorded_models
from autopicker_lab.model_config import ModelConfig
from autopicker_lab.model_entry import (
    field_hint,
    type_hint,
)
from autopicker_lab.runtime.addresses import AddressSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_core import ErrorDetails

__all__ = ["ModelConfig", "Settings"]

_SECRETS = frozenset(  # fields that are never printed
    {
        "secret_key",
        "vocabulary_key",
        "api_key",
        "redis_url",
        "storage_url",
        "ollama_host",
        "endpoint",
        "headers",
        "options",
        "proxy",
    }
)


class Settings(BaseSettings):
    """Everything that can be set. Each field is read from the environment variable of its name in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, protected_namespaces=()
    )

    secret_key: SecretStr = Field(default_factory=lambda: SecretStr(secrets.token_hex(32)))
    """Signs messages of the service to itself; each start makes another unless it is set."""
    vocabulary_key: SecretStr | None = None
    """Hashes the vocabulary of policy files, and reads those that were hashed with it; 16 characters or more."""
    api_key: SecretStr | None = None
    """The key that callers must send; none, and no keys in API_KEYS_FILE: open access."""
    api_keys_file: Path | None = None
    """Keys made by `autopicker keys`, hashed; none: keys.json in AUTOPICKER_HOME."""
    allowed_origins: str = ""
    """Comma-separated origins whose pages may call the service from a browser, besides its own; * for all."""
    allowed_hosts: str = ""
    """Comma-separated names that an open service may be asked by, besides localhost and addresses; * for all."""
    root_path: str = ""
    """The prefix that a proxy in front serves under, such as /llm; none: it serves under /."""
    rate_limit_requests: int = Field(100, ge=1)
    """Requests that one client address may make in a window."""
    rate_limit_window: int = Field(60, ge=1)
    """Length of that window, seconds."""
    max_file_size: int = Field(10 * 2**20, ge=1)
    """Largest upload, bytes."""
    responses_ttl: int = Field(86_400, ge=0)
    """Seconds that an answer of /v1/responses can be gone on from; 0: none is kept."""
    retrieval_encoder: str = "auto"
    """What finds passages of files by meaning: "auto" (the encoder of the extra `encoder`, where installed), "off", or
    the folder of a BERT's weights, or the id of an embedding model of the catalogue."""
    retrieval_rewriter: str = ""
    """Id of the model that rewrites a follow-up about files so that it can be searched for alone; none: none does."""
    upload_ttl: int = Field(0, ge=0)
    """Seconds that an upload is kept; 0: until it is deleted."""
    upload_quota: int = Field(0, ge=0)
    """Bytes that the uploads of one API key may have in all; 0: no bound."""
    cache_ttl: int = Field(3600, ge=0)
    """Seconds that an answer may be replayed to the same request; 0: never."""
    enable_redis_cache: bool = False
    """Keep cache and rate limits in Redis instead of this process."""
    redis_url: str = Field("redis://localhost:6379/0", repr=False)
    """Where that Redis is."""
    max_concurrency: int = Field(2000, ge=1)
    """Requests that one worker answers at once; more are refused for the moment (503)."""
    shutdown_timeout: int = Field(20, ge=0)
    """Seconds in which answers under way must end when the service is stopped."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least severity that is logged."""
    log_format: Literal["json", "text"] = "text"
    """One JSON object a line, or plain text."""
    enable_performance_monitoring: bool = True
    """Measure every request for /api/v1/performance/metrics and /metrics."""
    autopicker_config: Path | None = None
    """A YAML file with `models:`."""
    autopicker_demo: bool = False
    """Serve the recorded answers of the project's own two measured models, and no other model."""
    autopicker_policy: Path | None = None
    """A policy file saved by tuning; none: the default policy."""
    autopicker_checks: Path | None = None
    """The folder of a person's own checks (`my.py:function`) of a cascade's answers; none: none is run."""
    autopicker_home: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("autopicker-lab")))
    """Where uploads and assembled weights are kept."""
    storage_url: str = Field("", repr=False)
    """Any fsspec URL for uploads; empty: a folder in AUTOPICKER_HOME."""
    ollama_host: str = Field("http://localhost:11434", repr=False)
    """The Ollama server of the default catalogue."""
    whisper_model: str = "base"
    """"base" (shipped), a folder, or a faster-whisper model name to download."""
    extraction_timeout: float = Field(60.0, gt=0)
    """Seconds that reading one upload may take."""
    extraction_memory_mb: int = Field(4096, ge=512)
    """Address space of the process that reads uploads, MiB."""
    trusted_proxies: str = ""
    """Comma-separated addresses and networks of proxies whose X-Forwarded-For is believed."""
    max_connections: int = Field(1024, ge=1)
    """Connections that one client address may have open to a worker."""
    explore_share: float = Field(0.0, ge=0, le=0.5)
    """Share of requests on which another model than the policy prefers is asked, so that the log can tell of it."""
    explore_usd: float = Field(1.0, ge=0, allow_inf_nan=False)
    """USD a day that answers which were explored may cost, estimated."""
    explore_seed: int = 0
    """Of the draws of exploration, by which a log can be checked."""
    shadow_share: float = Field(0.0, ge=0, le=1)
    """Share of requests that another model is asked, too, after the answer has left."""
    shadow_model: str = ""
    """The model that is asked then; none: one of those that could have taken the request."""
    shadow_grader: str = ""
    """What grades both answers: judge:MODEL, regex:PATTERN, schema, my.py:function or an entry point; none: nothing."""
    shadow_usd: float = Field(1.0, ge=0, allow_inf_nan=False)
    """USD a day that such answers and their grades may cost."""
    decision_log: Path | None = None
    """SQLite file for routing decisions and feedback; none: the last ten thousand in memory."""
    decision_log_prompts: bool = False
    """Keep the questions there too, so that tuning can learn from them."""

    models: tuple[ModelConfig, ...] = Field(default=(), exclude=True)
    """The catalogue; set through AUTOPICKER_CONFIG or in code."""

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _normalise_case(cls, value: Any, info: Any) -> Any:
        if not isinstance(value, str):
            return value
        return value.upper() if info.field_name == "log_level" else value.lower()

    @field_validator("ollama_host")
    @classmethod
    def _add_scheme(cls, value: str) -> str:
        return value if value.startswith(("http://", "https://")) else f"http://{value}"

    @field_validator("allowed_origins")
    @classmethod
    def _normalise_origins(cls, value: str) -> str:
        origins = [entry.strip().rstrip("/").lower() for entry in value.split(",") if entry.strip()]
        for origin in origins:
            if origin not in ("*", "null") and not re.fullmatch(r"[a-z][a-z0-9+.\-]*://[^/\s]+", origin):
                raise ValueError(f"'{origin}' is no origin such as https://example.org")
        return ",".join(origins)

    @field_validator("trusted_proxies")
    @classmethod
    def _require_networks(cls, value: str) -> str:
        AddressSet.parse(value)
        return value

    @field_validator("root_path")
    @classmethod
    def _normalise_root(cls, value: str) -> str:
        path = value.strip().strip("/")
        if any(character in path for character in "?#%\\ ") or "//" in path or not path.isascii():
            raise ValueError("must be a path such as /llm")
        return f"/{path}" if path else ""

    @classmethod
    def load(cls, **overrides: Any) -> Settings:
        """Settings of this process; SettingsError names the variable that is wrong."""
        models: Any = overrides.get("models", ())
        filled_in: Sequence[str] = ()
        try:
            settings = cls(**overrides)
            if settings.autopicker_config and not settings.models:
                models, filled_in = read_models(settings.autopicker_config)
                settings = cls(**{**overrides, "models": models})
        except ValidationError as error:
            raise _setting_error(error, models, filled_in) from None
        except SourceError as error:
            raise SettingsError(f"settings: {error}", "correct the environment or .env") from None
        return settings

    def catalogue(self) -> list[ModelSpec]:
        """Specs of the configured models, or of the default ones; for a demonstration, of the recorded ones."""
        if self.autopicker_demo:
            return recorded_models()
        if self.models:
            return [config.spec() for config in self.models]
        return [
            ModelSpec(
                id="smollm2-135m",
                provider="local",
                capabilities=frozenset({"text", "json"}),
                context_window=8192,
                context_budget=150,  # measured: it answers better from two passages than from four, and sooner
                quality=SMOLLM2_QUALITY,
                max_output=400,
                aliases=("smollm2", "local"),
            ),
            ModelSpec(
                id="llama3.2-local",
                provider="ollama",
                model="llama3.2",
                endpoint=self.ollama_host,
                capabilities=frozenset({"text", "json", "tools"}),
                context_window=8192,
                quality=0.54,
                aliases=("llama3.2",),
            ),
        ]

    def fingerprint(self) -> str:
        """SHA-256 (hexadecimal) over every field, models and the values of secrets included: equal for equal settings.

        Only a `secret_key` that nobody gave is left out, since each start makes another. Keep it out of logs: a short
        key can be guessed from it.
        """
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        if "secret_key" not in self.model_fields_set:
            del fields["secret_key"]
        return hashlib.sha256(json.dumps(fields, default=_to_json, sort_keys=True).encode()).hexdigest()

    @cached_property
    def origins(self) -> frozenset[str]:
        """The origins in ALLOWED_ORIGINS, patterns among them."""
        return frozenset(name.strip() for name in self.allowed_origins.split(",") if name.strip())

    @property
    def keys_path(self) -> Path:
        """The file of hashed API keys, whether it exists or not."""
        return self.api_keys_file or self.autopicker_home / "keys.json"

    @property
    def uploads_url(self) -> str:
        """The fsspec URL of the folder of uploads."""
        return self.storage_url or f"file://{(self.autopicker_home / 'uploads').as_posix()}"


def _to_json(value: object) -> object:
    """A value of a field in a form that JSON has, the same in every process."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    return sorted(value) if isinstance(value, frozenset) else str(value)


def _setting_error(error: ValidationError, models: Sequence[object], filled_in: Sequence[str]) -> SettingsError:
    """The first problem, without what may be a secret: values of secret fields, whole entries, and what was filled in.

    Args:
        models: the entries of `models:`.
        filled_in: what stood in variables of the environment that the file names.
    """
    first = error.errors()[0]
    place = [str(step) for step in first["loc"]]
    if place[:1] == ["models"] and len(place) > 1:
        return _entry_error(first, models[int(place[1])], place, filled_in)
    where = place[0].upper() if place else "settings"
    detail = without_secrets(f"{first['msg']}{_got(first, place)}", list(filled_in))
    return SettingsError(f"{where}: {detail}", "correct it in the environment, .env or the YAML file")


def _entry_error(first: ErrorDetails, entry: object, place: list[str], filled_in: Sequence[str]) -> SettingsError:
    """What is wrong with an entry of `models:`, by the model's name, and what may be meant."""
    name = entry.get("name") if isinstance(entry, dict) else None
    named = f" (model '{without_secrets(str(name)[:80], list(filled_in))}')" if name else ""
    where = f"AUTOPICKER_CONFIG: {'.'.join(place)}{named}"
    field, fields = place[2] if len(place) > 2 else "", list(ModelConfig.model_fields)
    if first["type"] == "extra_forbidden" and len(place) == 3:
        detail = f"{where}: there is no field '{field[:80]}'"
        return SettingsError(detail, f"{field_hint(field, fields)}fields: {', '.join(fields)}")
    more = type_hint(first["input"]) if field == "type" else ""
    detail = without_secrets(f"{first['msg']}{_got(first, place)}", list(filled_in))
    return SettingsError(f"{where}: {detail}{more}", "correct it in the environment, .env or the YAML file")


def _got(first: ErrorDetails, place: list[str]) -> str:
    """The wrong value, where it is no secret."""
    value = first["input"]
    secret = bool(_SECRETS & set(place)) or not isinstance(value, str | int | float | None)
    return "" if secret else f" (got {str(value)[:60]!r})"
