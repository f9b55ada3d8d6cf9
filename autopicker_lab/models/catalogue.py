"""The models there are, and which of them would answer now."""

from __future__ import annotations

import asyncio
import difflib
import fnmatch
import logging
import re
import time
from types import MappingProxyType
from typing import TYPE_CHECKING

from autopicker_lab.core import AutopickerError, ModelSpec, ModelUnavailableError, SettingsError, UnknownModelError
from autopicker_lab.core.show import html_table
from autopicker_lab.core.text import clip
from autopicker_lab.models.base import Availability, ChatModel
from autopicker_lab.models.fingerprint import fingerprint
from autopicker_lab.models.local import LocalModel
from autopicker_lab.models.ollama import OllamaModel
from autopicker_lab.models.ollama_server import discover
from autopicker_lab.models.openai import OpenAIModel
from autopicker_lab.models.pool import pooled
from autopicker_lab.models.replay import ReplayModel
from autopicker_lab.runtime.circuit_breaker import BreakerPolicy, CircuitBreaker

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

log = logging.getLogger(__name__)
_LONGEST_NAME = 256
_WILDCARDS = re.compile(r"[*?\[]")
_LATEST = ":latest"  # Ollama's word for a model named without a tag
PROBE_TTL_S = 10.0
RECHECK_S = 2.0
BREAKER_POLICY = BreakerPolicy(failures=5, first_rest_s=5.0, longest_rest_s=60.0, jitter=0.2)
PROVIDERS: Mapping[str, Callable[[ModelSpec], ChatModel]] = MappingProxyType(
    {"local": LocalModel, "ollama": OllamaModel, "openai": OpenAIModel, "replay": ReplayModel}
)


def build(spec: ModelSpec) -> ChatModel:
    """The model of a spec; SettingsError for an unknown provider."""
    if spec.provider not in PROVIDERS:
        known = ", ".join(PROVIDERS)
        raise SettingsError(f"model '{spec.id}': unknown type '{spec.provider}'", f"use one of {known}")
    return PROVIDERS[spec.provider](spec)


async def _probe_model(model: ChatModel) -> Availability:
    """Whether a model would answer; one that cannot even be asked does not keep the others from being."""
    try:
        return await model.available()
    except Exception as error:
        spec = model.describe()
        why = spec.without_secrets(str(error))
        log.error("the model '%s' cannot be asked: %s: %s", spec.id, type(error).__name__, why)
        return Availability(False, f"it cannot be asked: {why}", "check its configuration")


class Catalogue:
    """Models by id, with their availability remembered.

    Args:
        discover_at: address of an Ollama server whose other models join the catalogue; None for none.
    """

    def __init__(self, models: Iterable[ChatModel], discover_at: str | None = None):
        self._models: dict[str, ChatModel] = {}
        for model in pooled(models):
            self._models[model.describe().id] = model
        self._fixed = frozenset(self._models)
        self._discover_at = discover_at
        self._availability: dict[str, Availability] = {}
        self._probed = 0.0
        self._rechecked: dict[str, float] = {}
        self._digests: dict[str, str] = {}
        self._fingerprints: dict[str, str] = {}
        self._breakers: dict[str, CircuitBreaker] = {}
        self._renewal: asyncio.Task[None] | None = None
        self._lock: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None

    def __repr__(self) -> str:
        return f"Catalogue({', '.join(self._models)})"

    def specs(self) -> list[ModelSpec]:
        """Entries of all models, those of the configuration first."""
        return [model.describe() for model in self._models.values()]

    def _repr_html_(self) -> str:
        rows = []
        for spec in self.specs():
            answer = self._availability.get(spec.id)
            now = "not asked yet" if answer is None else "answers" if answer.ok else answer.why
            price = f"{spec.price_in:g} and {spec.price_out:g}" if spec.price_in or spec.price_out else "none"
            capabilities = ", ".join(sorted(spec.capabilities))
            rows.append(
                (spec.id, spec.provider, capabilities, f"{spec.context_window:,}", price, f"{spec.quality:.2f}", now)
            )
        titles = ["model", "provider", "capabilities", "context, tokens", "USD per million tokens", "quality", "now"]
        return html_table(titles, rows)

    def get(self, name: str, allowed: Collection[str] | None = None) -> ChatModel:
        """The model of this id or alias, ":latest" or not; UnknownModelError names the nearest.

        Args:
            allowed: ids of the models that the caller may use, who learns of no other; None: all.
        """
        model = self._find(name)
        if model is not None and (allowed is None or model.describe().id in allowed):
            return model
        name = clip(name, _LONGEST_NAME)  # finding the nearest takes the square of its length
        if allowed is not None:
            raise UnknownModelError.not_allowed(name, allowed)
        near = difflib.get_close_matches(name, self._models, 1)
        known = ", ".join(["auto", *self._models])
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise UnknownModelError(f"unknown model '{name}'", f"{hint}known: {known}", param="model")

    async def matching(self, pattern: str) -> list[ChatModel]:
        """The model of this name; or, of a name with wildcards ("qwen*"), all that match it and answer now.

        Raises:
            UnknownModelError: there is none; ModelUnavailableError: none of them answers.
        """
        if self._find(pattern) is not None or not _WILDCARDS.search(pattern):
            return [self.get(pattern)]
        answers = await self.availability()
        meant = [name for name in self._models if fnmatch.fnmatchcase(name, pattern)]
        if not meant:
            raise UnknownModelError(f"no model is like '{pattern}'", f"known: {', '.join(self._models)}", param="model")
        ready = [self._models[name] for name in meant if answers[name].ok]
        if not ready:
            why = "; ".join(f"{name}: {answers[name].why}" for name in meant)
            raise ModelUnavailableError(f"none of '{pattern}' answers ({why})", answers[meant[0]].hint, param="model")
        return ready

    def _find(self, name: str) -> ChatModel | None:
        if (model := self._models.get(name)) is not None:
            return model
        for wanted in (name, name.removesuffix(_LATEST), name + _LATEST):
            if wanted in self._models:
                return self._models[wanted]
            for model in self._models.values():
                if wanted in model.describe().aliases:
                    return model
        return None

    def fingerprint(self, name: str) -> str:
        """What may answer to a name ("auto": any model), see models.fingerprint; "" for a name that is unknown.

        As of the last probe.
        """
        kept = self._fingerprints.get(name)
        if kept is not None:
            return kept
        try:
            specs = self.specs() if name in ("", "auto") else [self.get(name).describe()]
        except UnknownModelError:
            return ""
        made = self._fingerprints[name] = fingerprint(specs, self._digests)
        return made

    def pending(self) -> dict[str, float]:
        """Requests under way by model."""
        return {name: model.pending() for name, model in self._models.items()}

    def cached_availability(self) -> Mapping[str, Availability] | None:
        """What `availability` would say, where it need not look."""
        for breaker in self._breakers.values():
            if breaker.failures:
                return None
        return self._availability if time.monotonic() - self._probed <= PROBE_TTL_S else None

    async def availability(self, fresh: bool = False) -> Mapping[str, Availability]:
        """Who would answer, by id. The last probe's answer; one older than ten seconds is renewed in the background.

        Only the first call, and one that wants a `fresh` answer, wait for the probes.
        """
        if fresh or not self._availability:
            async with self._lock_of_loop():
                if fresh or not self._availability:
                    await self._probe()
        else:
            self.keep_fresh()
        resting = {name: self._resting(name) for name, breaker in self._breakers.items() if breaker.resting_s()}
        return {**self._availability, **resting} if resting else self._availability

    def keep_fresh(self) -> None:
        """Probe again in the background where the last probe is old."""
        if time.monotonic() - self._probed > PROBE_TTL_S and (self._renewal is None or self._renewal.done()):
            self._renewal = asyncio.get_running_loop().create_task(self._renew())

    async def recheck(self, name: str) -> Availability:
        """Whether one model would answer now: it may have been started since it did not."""
        if self.breaker(name).resting_s():
            return self._resting(name)
        async with self._lock_of_loop():
            if time.monotonic() - self._rechecked.get(name, 0.0) > RECHECK_S:
                answer = await _probe_model(self.get(name))
                self._availability = {**self._availability, name: answer}
                self._note_digests({name: answer})
                self._rechecked[name] = time.monotonic()
            return self._availability[name]

    def breaker(self, name: str) -> CircuitBreaker:
        """What lets a failing model rest."""
        breaker = self._breakers.get(name)
        if breaker is None:
            breaker = self._breakers[name] = CircuitBreaker(BREAKER_POLICY)
        return breaker

    def mark_failed(self, name: str, why: str, hint: str) -> None:
        """Remember until the next probe that a model did not answer."""
        self._availability = {**self._availability, name: Availability(False, why, hint)}

    def _resting(self, name: str) -> Availability:
        breaker = self._breakers[name]
        why = f"it failed {breaker.failures} times running and rests for {breaker.resting_s():.0f} s"
        return Availability(False, why, "look into its server's log")

    async def join(self, model: ChatModel) -> None:
        """Have one more model, until the process ends, if it would answer now.

        Raises:
            SettingsError: there is a model of this name; ModelUnavailableError: it would not answer.
        """
        name = model.describe().id
        try:
            self._check_is_new(name)
            answer = await _probe_model(model)
            if not answer.ok:
                raise ModelUnavailableError(answer.why, answer.hint, param="model")
            await self._add(name, model, answer)
        except AutopickerError:
            await model.close()
            raise

    def _check_is_new(self, name: str) -> None:
        if self._find(name) is not None:
            raise SettingsError(f"there is a model '{name}' already", "choose it, or name another")

    async def _add(self, name: str, model: ChatModel, answer: Availability) -> None:
        async with self._lock_of_loop():
            self._check_is_new(name)  # another may have joined by it meanwhile
            self._models = {**self._models, name: model}
            self._fixed |= {name}
            self._availability = {**self._availability, name: answer} if self._availability else {}
            self._note_digests({name: answer})

    async def close(self) -> None:
        """Give back memory and the running loop's connections of all models."""
        if self._renewal is not None and self._renewal.get_loop() is asyncio.get_running_loop():
            self._renewal.cancel()
        for model in self._models.values():
            await model.close()

    async def _renew(self) -> None:
        async with self._lock_of_loop():
            await self._probe()

    async def _probe(self) -> None:
        if self._discover_at:
            known = {spec.model for spec in self.specs() if spec.id in self._fixed} | self._fixed
            specs = await discover(self._discover_at, known)
            if specs is not None:  # where the server is away, its models stay, and say that they are not available
                discovered = {spec.id: spec for spec in specs}
                kept = {n: m for n, m in self._models.items() if n in self._fixed or n in discovered}
                gone = [model for n, model in self._models.items() if n not in kept and not model.pending()]
                self._models = kept | {n: build(spec) for n, spec in discovered.items() if n not in kept}
                for model in gone:
                    await model.close()
        models = list(self._models.items())
        answers = await asyncio.gather(*(_probe_model(model) for _, model in models))
        self._availability = dict(zip((name for name, _ in models), answers, strict=True))
        self._note_digests(self._availability)
        self._probed = time.monotonic()

    def _note_digests(self, answers: Mapping[str, Availability]) -> None:
        """Keep the digests of weights as the servers that answer tell them."""
        self._digests |= {name: answer.digest for name, answer in answers.items() if answer.ok}
        self._fingerprints = {}

    def _lock_of_loop(self) -> asyncio.Lock:
        loop = asyncio.get_running_loop()
        if self._lock is None or self._lock[0] is not loop:
            self._lock = (loop, asyncio.Lock())
        return self._lock[1]
