"""One frozen Settings, read once from the environment, a .env file and the YAML that AUTOPICKER_CONFIG names."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import urlsplit

import platformdirs
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as SourceError

from autopicker_lab.catalogue_file import read_models
from autopicker_lab.core import ModelSpec, SettingsError, Vision
from autopicker_lab.core.addresses import without_secrets
from autopicker_lab.core.token_rates import FAMILIES
from autopicker_lab.known_models import ASSUMED_QUALITY, SMOLLM2_QUALITY, completed, recorded_models
from autopicker_lab.model_entry import (
    clean_endpoint,
    clean_key,
    field_hint,
    known_type,
    type_hint,
    unset_variables,
)
from autopicker_lab.runtime.addresses import AddressSet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic_core import ErrorDetails

Capability = Literal["text", "images", "multimodal", "tools", "json", "audio", "embeddings"]
# what a model may be able to do although its entry names no capabilities: its server knows
_LEFT_OPEN: Mapping[str, frozenset[str]] = MappingProxyType(
    {"openai": frozenset({"tools", "json", "audio"}), "ollama": frozenset({"tools"})}
)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OWN_HEADERS = frozenset({"connection", "content-length", "host", "transfer-encoding"})  # that a request is made with
_SECRETS = frozenset(  # fields that are never printed
    {"secret_key", "api_key", "redis_url", "storage_url", "ollama_host", "endpoint", "headers", "options", "proxy"}
)


class VisionConfig(BaseModel):
    """What pictures a model takes: `vision:` of an entry."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    side: int = Field(Vision.side, ge=64)
    max_bytes: int = Field(Vision.max_bytes, ge=10_000)
    pictures: int | None = Field(None, ge=1)
    formats: tuple[Literal["jpg", "png", "webp"], ...] = ()

    @field_validator("formats")
    @classmethod
    def _require_jpeg(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if value and "jpg" not in value:
            raise ValueError("the formats must hold jpg, which photographs are made")
        return value


class ModelConfig(BaseModel):
    """One entry of `models:` in the YAML file."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    name: str
    type: Literal["ollama", "openai", "local", "replay"]
    endpoint: str = Field("", repr=False)
    model: str = ""
    path: str = ""
    api_key: str | None = Field(None, repr=False)
    capabilities: frozenset[Capability] = frozenset({"text"})
    context_window: int = Field(8192, ge=256)
    context_budget: int | None = Field(None, ge=64)
    tokenizer: str = ""
    price_in: float = Field(0.0, ge=0, allow_inf_nan=False)
    price_out: float = Field(0.0, ge=0, allow_inf_nan=False)
    price_cached: float | None = Field(None, ge=0, allow_inf_nan=False)
    quality: float = Field(ASSUMED_QUALITY, ge=0, le=1)
    timeout_s: float = Field(120.0, gt=0)
    first_token_s: float | None = Field(None, gt=0)
    total_s: float = Field(3600.0, gt=0)
    max_concurrency: int | None = Field(None, ge=1)
    max_output: int = Field(1024, ge=1)
    aliases: tuple[str, ...] = ()
    image_urls: bool = False
    vision: Literal["raw"] | VisionConfig = VisionConfig()
    headers: dict[str, str] = Field({}, repr=False)
    options: dict[str, Any] = Field({}, repr=False)
    allow: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    proxy: str = Field("", repr=False)

    @field_validator("headers")
    @classmethod
    def _require_headers(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if not _HEADER_NAME.fullmatch(name) or name.lower() in _OWN_HEADERS:
                raise ValueError(f"'{name[:40]}' is no header that can be set")
            if not (text.isascii() and (text.isprintable() or not text)):
                raise ValueError(f"the header '{name}' must be printable ASCII characters")
        return value

    @field_validator("options")
    @classmethod
    def _require_options(cls, value: dict[str, Any]) -> dict[str, Any]:
        if taken := sorted({"model", "messages", "stream"} & set(value)):
            raise ValueError(f"'{taken[0]}' is no option: the request names it")
        return value

    @field_validator("proxy")
    @classmethod
    def _require_proxy(cls, value: str) -> str:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        if value not in ("", "none") and (parts.scheme != "http" or not parts.hostname):
            raise ValueError("a proxy must begin with http:// and name a host, or be 'none'")
        return value

    @field_validator("type", mode="before")
    @classmethod
    def _normalise_type(cls, value: Any) -> Any:
        return known_type(value)

    @field_validator("tokenizer")
    @classmethod
    def _require_tokenizer(cls, value: str) -> str:
        value = value.strip()
        if value and value not in FAMILIES and not (value.endswith(".json") and Path(value).expanduser().is_file()):
            raise ValueError(f"'{value[:80]}' is neither the path of a tokenizer.json nor one of {', '.join(FAMILIES)}")
        return str(Path(value).expanduser()) if value.endswith(".json") else value

    @field_validator("name", "model", "path")
    @classmethod
    def _strip(cls, value: str) -> str:
        return value.strip()

    @field_validator("endpoint")
    @classmethod
    def _require_address(cls, value: str, info: ValidationInfo) -> str:
        return clean_endpoint(value, info.data.get("type", ""))

    @field_validator("api_key")
    @classmethod
    def _require_header_characters(cls, value: str | None) -> str | None:
        value = clean_key(value) if value else value
        if value and not (value.isascii() and value.isprintable()):
            raise ValueError("an API key must be printable ASCII characters")
        return value

    @model_validator(mode="after")
    def _require_endpoint(self) -> Self:
        if self.type == "openai" and not self.endpoint:
            raise ValueError(f"model '{self.name}': type openai needs an endpoint")
        return self

    def spec(self) -> ModelSpec:
        """The ModelSpec of the entry, where "multimodal" means "images"."""
        configured: frozenset[str] = self.capabilities
        capabilities = configured - {"multimodal"} | ({"images"} if "multimodal" in configured else set())
        if configured != {"embeddings"}:
            capabilities |= {"text"}
        if self.image_urls:
            capabilities |= {"images"}
        default_endpoint = "http://localhost:11434" if self.type == "ollama" else ""
        unset = unset_variables((self.api_key, self.endpoint, self.model, self.path, self.headers, self.proxy))
        spec = ModelSpec(
            id=self.name,
            provider=self.type,
            model=self.path or self.model or ("" if self.type in ("local", "replay") else self.name),
            endpoint=self.endpoint or default_endpoint,
            capabilities=capabilities,
            unconfirmed=frozenset()
            if "capabilities" in self.model_fields_set
            else _LEFT_OPEN.get(self.type, frozenset()),
            api_key=self.api_key or None,
            unset=unset,
            vision=Vision(raw=True) if self.vision == "raw" else Vision(**self.vision.model_dump()),
            **self.model_dump(
                include={
                    "context_window",
                    "context_budget",
                    "tokenizer",
                    "price_in",
                    "price_out",
                    "price_cached",
                    "quality",
                    "timeout_s",
                    "first_token_s",
                    "total_s",
                    "max_concurrency",
                    "max_output",
                    "aliases",
                    "image_urls",
                    "headers",
                    "options",
                    "allow",
                    "drop",
                    "proxy",
                }
            ),
        )
        return completed(spec, self.model_fields_set)


class Settings(BaseSettings):
    """Everything that can be set. Each field is read from the environment variable of its name in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, protected_namespaces=()
    )

    secret_key: SecretStr = Field(default_factory=lambda: SecretStr(secrets.token_hex(32)))
    """Signs messages of the service to itself; each start makes another unless it is set."""
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
    the id of an embedding model of the catalogue."""
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
