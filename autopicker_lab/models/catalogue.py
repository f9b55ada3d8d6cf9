"""The models there are, and which of them would answer now."""

from __future__ import annotations

import asyncio
import difflib
import time
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from autopicker_lab.core import ModelSpec, SettingsError, UnknownModelError
from autopicker_lab.models.base import Availability, ChatModel
from autopicker_lab.models.local import LocalModel
from autopicker_lab.models.ollama import OllamaModel, discover
from autopicker_lab.models.openai import OpenAIModel

PROBE_TTL_S = 10.0
STALE_S = 60.0
PROVIDERS: Mapping[str, Callable[[ModelSpec], ChatModel]] = MappingProxyType(
    {"local": LocalModel, "ollama": OllamaModel, "openai": OpenAIModel}
)


def build(spec: ModelSpec) -> ChatModel:
    """The model of a spec; SettingsError for an unknown provider."""
    if spec.provider not in PROVIDERS:
        known = ", ".join(PROVIDERS)
        raise SettingsError(f"model '{spec.id}': unknown type '{spec.provider}'", f"use one of {known}")
    return PROVIDERS[spec.provider](spec)


class Catalogue:
    """Models by id, with their availability remembered.

    Args:
        discover_at: address of an Ollama server whose other models join the catalogue; None for none.
    """

    def __init__(self, models: Iterable[ChatModel], discover_at: str | None = None):
        self._models: dict[str, ChatModel] = {}
        for model in models:
            self._models[model.describe().id] = model
        self._fixed = frozenset(self._models)
        self._discover_at = discover_at
        self._seen: dict[str, Availability] = {}
        self._probed = 0.0
        self._renewal: asyncio.Task[None] | None = None
        self._lock: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None

    def specs(self) -> list[ModelSpec]:
        return [model.describe() for model in self._models.values()]

    def get(self, name: str) -> ChatModel:
        """The model of this id or alias; UnknownModelError names the nearest."""
        if name in self._models:
            return self._models[name]
        for model in self._models.values():
            if name in model.describe().aliases:
                return model
        near = difflib.get_close_matches(name, self._models, 1)
        known = ", ".join(["auto", *self._models])
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise UnknownModelError(f"unknown model '{name}'", f"{hint}known: {known}", param="model")

    async def availability(self, fresh: bool = False) -> Mapping[str, Availability]:
        """Who would answer, by id. The last probe's answer; one older than ten seconds is renewed in the background.

        The first call, one after a minute of silence, and one that wants a `fresh` answer wait for the probes.
        """
        age = time.monotonic() - self._probed
        if fresh or not self._seen or age > STALE_S:
            async with self._guard():
                if fresh or time.monotonic() - self._probed > PROBE_TTL_S or not self._seen:
                    await self._probe()
        elif age > PROBE_TTL_S and (self._renewal is None or self._renewal.done()):
            self._renewal = asyncio.get_running_loop().create_task(self._renew())
        return self._seen

    def mark_failed(self, name: str, why: str, hint: str) -> None:
        """Remember until the next probe that a model did not answer."""
        self._seen = {**self._seen, name: Availability(False, why, hint)}

    async def close(self) -> None:
        if self._renewal is not None and self._renewal.get_loop() is asyncio.get_running_loop():
            self._renewal.cancel()
        for model in self._models.values():
            await model.close()

    async def _renew(self) -> None:
        async with self._guard():
            await self._probe()

    async def _probe(self) -> None:
        if self._discover_at:
            known = {spec.model for spec in self.specs() if spec.id in self._fixed} | self._fixed
            specs = await discover(self._discover_at, known)
            if specs is not None:  # where the server is away, its models stay, and say that they are not available
                found = {spec.id: spec for spec in specs}
                kept = {n: m for n, m in self._models.items() if n in self._fixed or n in found}
                self._models = kept | {n: build(spec) for n, spec in found.items() if n not in kept}
        models = list(self._models.items())
        answers = await asyncio.gather(*(model.available() for _, model in models))
        self._seen = dict(zip((name for name, _ in models), answers, strict=True))
        self._probed = time.monotonic()

    def _guard(self) -> asyncio.Lock:
        loop = asyncio.get_running_loop()
        if self._lock is None or self._lock[0] is not loop:
            self._lock = (loop, asyncio.Lock())
        return self._lock[1]
