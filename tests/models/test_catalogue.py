import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from support.serving import serving

from autopicker_lab import Settings, Workbench
from autopicker_lab.core import ModelSpec, ModelUnavailableError, Usage
from autopicker_lab.models import Availability, build
from autopicker_lab.models.notes import notes
from autopicker_lab.settings import ModelConfig

fault = pytest.mark.fault


@contextmanager
def upstream(listed: Any, status: int = 200, prefix: str = "/v1") -> Iterator[str]:
    """The address of a server that answers so to /models."""
    app = FastAPI()

    @app.get(f"{prefix}/models")
    async def models() -> Any:
        return listed if not isinstance(listed, (list, dict)) else JSONResponse(listed, status)

    with serving(app) as address:
        yield address


async def probe(endpoint: str, model: str = "m", **fields: Any) -> Availability:
    asked = build(ModelConfig(name="m", type="openai", endpoint=endpoint, model=model, **fields).spec())
    try:
        return await asked.available()
    finally:
        await asked.close()


def rows(*names: str, **fields: Any) -> dict[str, Any]:
    return {"object": "list", "data": [{"id": name, **fields} for name in names]}


@fault("the endpoint of a model lacks its /v1", "`models` and `doctor` name the address to write; no tick")
async def test_an_endpoint_without_its_path_is_named() -> None:
    with upstream(rows("m")) as address:
        told = await probe(address)
        assert not told.ok
        assert f"write endpoint: {address}/v1" in told.hint
        assert (await probe(f"{address}/v1")).ok


@fault("the endpoint of a model is the whole path of its chats", "it is taken for what it means")
@pytest.mark.parametrize("path", ["/v1/", "/v1/chat/completions", "/v1/chat/completions/", "/v1/models"])
async def test_a_path_of_the_api_is_taken_off_an_endpoint(path: str) -> None:
    with upstream(rows("m")) as address:
        assert (await probe(f" '{address}{path}' ")).ok


@fault("a model that its server does not list", "not available, with the nearest name that it lists")
async def test_a_model_that_its_server_lacks_is_told() -> None:
    with upstream(rows("gpt-4o", "gpt-4o-mini")) as address:
        told = await probe(f"{address}/v1", "gpt4o")
        assert (told.ok, told.why) == (False, f"{address}/v1 has no model 'gpt4o'")
        assert "did you mean 'gpt-4o'?" in told.hint


@pytest.mark.parametrize(
    ("listed", "name"),
    [
        (rows("llama3:latest"), "llama3"),
        (rows("models/gemini-2.5-pro"), "gemini-2.5-pro"),
        (rows("a/b"), "a/b:online"),
        (rows("Qwen/Qwen3"), "qwen/qwen3"),
        (rows("/srv/m.gguf", owned_by="llamacpp"), "anything"),
        (rows("x", aliases=["short"]), "short"),
        (rows(), "m"),
        ([{"id": "m"}], "m"),
    ],
)
async def test_names_are_compared_as_servers_take_them(listed: Any, name: str) -> None:
    with upstream(listed) as address:
        assert (await probe(f"{address}/v1", name)).ok


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_server_without_a_list_may_be_there(status: int) -> None:
    with upstream({"detail": "no"}, status) as address:
        assert (await probe(f"{address}/v1")).ok


async def test_a_page_instead_of_an_api_is_no_answer() -> None:
    with upstream(HTMLResponse("<html>"), prefix="") as address:
        assert not (await probe(address)).ok


async def test_a_server_that_refuses_the_key_is_told() -> None:
    with upstream({"error": "no"}, 401) as address:
        assert "refused the API key" in (await probe(f"{address}/v1")).why


async def test_a_server_that_is_elsewhere_is_named() -> None:
    with upstream(RedirectResponse("https://example.org/v1/models", 308)) as address:
        assert "https://example.org/v1" in (await probe(f"{address}/v1")).hint


async def test_https_to_a_server_that_knows_none_is_told() -> None:
    with upstream(rows("m")) as address:
        told = await probe(f"{address.replace('http:', 'https:')}/v1")
        assert not told.ok
        assert "http://" in told.hint


@fault("the API key of a model is a variable that nobody set", "the variable is named; the model is not available")
@pytest.mark.parametrize("kind", ["openai", "ollama"])
def test_a_variable_that_is_not_set_is_named(kind: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAB_NO_KEY", raising=False)
    file = tmp_path / "models.yaml"
    entry = f'{{name: "m", type: "{kind}", endpoint: "http://127.0.0.1:1", api_key: "${{LAB_NO_KEY}}"}}'
    file.write_text(f"models:\n  - {entry}\n")
    with Workbench(Settings.load(autopicker_config=file)) as lab:
        [(_, told)] = lab.models()
        assert (told.ok, told.why) == (False, "${LAB_NO_KEY} is not set")
        with pytest.raises(ModelUnavailableError, match="LAB_NO_KEY"):
            lab.ask("hi", model="m")


@fault("README's own entry of the embedded model", "the quality that is measured of it, and not 0.5")
def test_what_is_known_of_models_stands_in_for_what_is_not_given() -> None:
    small = ModelConfig(name="smollm2-135m", type="local").spec()
    default = next(spec for spec in Settings.load().catalogue() if spec.id == "smollm2-135m")
    assert small.quality == default.quality == 0.15
    assert ModelConfig(name="a", type="local", path="/w/SmolLM2-135M-Instruct.Q8_0.gguf").spec().quality == 0.15
    assert ModelConfig(name="b", type="ollama", model="llama3.1:8b").spec().quality == pytest.approx(0.66, abs=0.01)
    assert ModelConfig(name="b", type="ollama", model="llama3.1:8b", quality=0.3).spec().quality == 0.3
    assert ModelConfig(name="c", type="ollama").spec().sources == {"quality": "assumed"}


@fault("a hosted model without prices in its entry", "those of genai-prices, and `models` says so")
def test_prices_of_hosted_models_are_known() -> None:
    entry: dict[str, Any] = {"name": "g", "type": "openai", "endpoint": "https://api.openai.com/v1", "model": "gpt-4o"}
    spec = ModelConfig(**entry).spec()
    assert (spec.price_in, spec.price_out, spec.price_cached) == (2.5, 10, 1.25)
    assert spec.context_window == 128_000
    assert set(spec.sources) == {"quality", "price_in", "price_out", "price_cached", "context_window"}
    assert any("genai-prices" in note.text for note in notes([spec]))
    own = ModelConfig(**entry, price_in=0, context_window=4096).spec()
    assert (own.price_in, own.price_out, own.price_cached, own.context_window) == (0, 0, None, 4096)


@pytest.mark.parametrize("model", ["mistral-7b", "gpt-oss-20b", "my-gpt"])
def test_a_server_of_ones_own_costs_nothing(model: str) -> None:
    spec = ModelConfig(name="a", type="openai", endpoint="http://127.0.0.1:8000/v1", model=model).spec()
    assert (spec.price_in, spec.price_out) == (0, 0)


@fault("input tokens that the provider had in its cache", "counted at their own price")
def test_cached_tokens_have_a_price_of_their_own() -> None:
    spec = ModelSpec("g", "openai", price_in=2, price_out=10, price_cached=0.5)
    details = {"prompt_tokens": 1000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 800}}
    usage = Usage.from_openai(details)
    assert usage is not None
    assert usage.cost_usd(spec) == pytest.approx((200 * 2 + 800 * 0.5 + 100 * 10) / 1e6)
    assert spec.cost_usd(10, 0, 800) == pytest.approx(10 * 0.5 / 1e6)
    assert ModelSpec("g", "openai", price_in=2).cost_usd(1000, 0, 800) == pytest.approx(0.002)
    deepseek = Usage.from_openai({"prompt_tokens": 10, "completion_tokens": 1, "prompt_cache_hit_tokens": 4})
    assert deepseek is not None
    assert deepseek.cached_tokens == 4


def faults(*entries: dict[str, Any]) -> list[str]:
    specs = [
        ModelConfig(**{"type": "openai", "endpoint": "http://127.0.0.1:1/v1", **entry}).spec() for entry in entries
    ]
    return [note.text for note in notes(specs) if note.is_fault]


@fault("entries of the catalogue that clash", "each clash is told by name")
def test_clashes_are_told() -> None:
    assert faults({"name": "a"}, {"name": "a", "model": "b"}) == []  # a pool
    assert "twice" in faults({"name": "a"}, {"name": "a"})[0]
    assert "'a' of 'b'" in faults({"name": "a"}, {"name": "b", "aliases": ("a",)})[0]
    assert "'c' of 'b'" in faults({"name": "a", "aliases": ("c",)}, {"name": "b", "aliases": ("c",)})[0]
    assert "routing" in faults({"name": "auto"})[0]
    assert "${NAME}" in faults({"name": "a", "api_key": "$OPENAI_API_KEY"})[0]


async def test_of_two_models_that_join_by_one_name_one_does(tmp_path: Path) -> None:
    closed: list[str] = []
    with upstream({"object": "list", "data": [{"id": "m"}]}) as address:
        spec = ModelConfig(name="m", type="openai", endpoint=f"{address}/v1").spec()
        one, other = build(spec), build(spec)
        for name, model in (("one", one), ("other", other)):
            close = model.close

            async def closing(name: str = name, close: Any = close) -> None:
                closed.append(name)
                await close()

            model.close = closing  # type: ignore[method-assign]
        catalogue = Workbench(Settings.load(models=(), autopicker_home=tmp_path)).catalogue
        said = await asyncio.gather(catalogue.join(one), catalogue.join(other), return_exceptions=True)
        refused = [error for error in said if error is not None]
        assert len(refused) == len(closed) == 1
        assert "already" in str(refused[0])
        assert catalogue.get("m") is ({"one": other, "other": one}[closed[0]])
        await catalogue.close()
