"""ModelConfig: an entry of `models:` in the YAML file, as pydantic reads it."""

from __future__ import annotations

import re
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from autopicker_lab.core import ModelSpec, Vision
from autopicker_lab.core.token_rates import FAMILIES
from autopicker_lab.known_models import ASSUMED_QUALITY, completed
from autopicker_lab.model_entry import clean_endpoint, clean_key, known_type, unset_variables

if TYPE_CHECKING:
    from collections.abc import Mapping

Capability = Literal["text", "images", "multimodal", "tools", "json", "audio", "embeddings"]
# what a model may be able to do although its entry names no capabilities: its server knows
_LEFT_OPEN: Mapping[str, frozenset[str]] = MappingProxyType(
    {"openai": frozenset({"tools", "json", "audio"}), "ollama": frozenset({"tools"})}
)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OWN_HEADERS = frozenset({"connection", "content-length", "host", "transfer-encoding"})  # that a request is made with


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
