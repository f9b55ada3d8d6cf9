"""Whose answer a cached one is: of the model that would be asked now, at the server where it would be asked."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from support.gateway import gateway
from support.ollama_server import FakeOllama
from support.serving import serving
from support.upstream import soon, upstream

from autopicker_lab.models import Catalogue, build
from autopicker_lab.models.base import Availability
from autopicker_lab.settings import ModelConfig
from autopicker_lab.storage import MemoryCache

HELLO = [{"role": "user", "content": "Hello"}]


def ask(base: str, model: str) -> str:
    body = {"messages": HELLO, "model": model}
    answer = httpx.post(f"{base}/v1/chat/completions", json=body, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.headers["x-cache"]


@pytest.mark.fault("a name that goes to another server after a restart", "no answer of the old one out of Redis")
@pytest.mark.parametrize("name", ["fast", "auto"])
def test_an_answer_is_not_anothers_of_the_same_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = MemoryCache(60)
    monkeypatch.setattr("autopicker_lab.service.app._cache", lambda _: shared)
    with upstream() as one, upstream() as two:
        old = {"name": "fast", "type": "openai", "endpoint": one.url, "model": "a"}
        seen = []
        for fields in (old, old, old | {"endpoint": two.url}, old | {"model": "b"}, old | {"api_key": "other"}, old):
            with gateway(ModelConfig(**fields), cache_ttl=60) as base:
                seen.append(ask(base, name))
    assert seen == ["MISS", "HIT", "MISS", "MISS", "MISS", "HIT"]


class PulledModel:
    """A model whose server says which weights it has."""

    def __init__(self, name: str) -> None:
        self._model = build(ModelConfig(name=name, type="openai", endpoint="http://127.0.0.1:1/v1").spec())
        self.answer = Availability(True, digest="old")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    async def available(self) -> Availability:
        return self.answer


async def test_weights_that_were_pulled_anew_are_another_model() -> None:
    one, two = PulledModel("one"), PulledModel("two")
    catalogue = Catalogue([one, two])
    await catalogue.availability()
    before = [catalogue.fingerprint(name) for name in ("one", "two", "auto")]
    assert len(set(before)) == 3
    one.answer = Availability(False, "away")
    await catalogue.availability(fresh=True)
    assert [catalogue.fingerprint(name) for name in ("one", "two", "auto")] == before
    one.answer = Availability(True, digest="new")
    await catalogue.availability(fresh=True)
    after = [catalogue.fingerprint(name) for name in ("one", "two", "auto")]
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, True, False]
    assert catalogue.fingerprint("nobody") == ""
    await catalogue.close()


async def test_a_file_of_weights_that_was_replaced_is_another_model(tmp_path: Path) -> None:
    weights = tmp_path / "m.gguf"
    prints = []
    for content in (b"GGUF old", b"GGUF old, and new"):
        weights.write_bytes(content)
        catalogue = Catalogue([build(ModelConfig(name="m", type="local", path=str(weights)).spec())])
        prints.append(catalogue.fingerprint("m"))
        await catalogue.close()
    assert prints[0] != prints[1]


@pytest.mark.fault("a model that is pulled anew under its name", "its old answers are forgotten")
def test_ollama_says_which_weights_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autopicker_lab.models.catalogue.PROBE_TTL_S", 0.2)
    about = {"size": "1B", "capabilities": ["completion"], "digest": "sha256:1"}
    ollama = FakeOllama({"m:latest": about})
    with serving(ollama.app) as url, gateway(ModelConfig(name="m", type="ollama", endpoint=url), cache_ttl=60) as base:
        assert soon(lambda: [ask(base, "m"), ask(base, "m")][-1] == "HIT")
        about["digest"] = "sha256:2"
        assert soon(lambda: ask(base, "m") == "MISS", 10)
