"""Whose tokenizer counts a model's tokens."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import wordllama
from support.raw_upstream import raw_upstream, whole

from autopicker_lab.core import ModelSpec, SettingsError
from autopicker_lab.core.tokens import estimate_tokens
from autopicker_lab.known_models import token_family
from autopicker_lab.models import build
from autopicker_lab.models.token_count import TokenCount, count_tokens
from autopicker_lab.routing import Requirements
from autopicker_lab.settings import ModelConfig

TEXT = "The old mill stood by the river for two hundred years."
TOKENIZER = Path(wordllama.__file__).parent / "tokenizers/l2_supercat_tokenizer_config.json"


def count(spec: ModelSpec, text: str = TEXT) -> TokenCount:
    return asyncio.run(count_tokens(build(spec), text))


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("openai/gpt-4o-mini", "o200k"),
        ("gpt-oss:20b", "o200k"),
        ("o3-mini", "o200k"),
        ("gpt-4-turbo", "cl100k"),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama3"),
        ("llama3.2", "llama3"),
        ("llama2:13b", "llama2"),
        ("DeepSeek-R1-Distill-Qwen-7B", "qwen"),
        ("deepseek-ai/DeepSeek-V3", "deepseek"),
        ("deepseek-r1:8b", ""),
        ("gemma3:4b", "gemma"),
        ("models/gemini-2.5-flash", "gemma"),
        ("mistral-small-3.2", ""),
        ("claude-sonnet-4", ""),
        ("model1", ""),
    ],
)
def test_a_model_of_a_known_name_has_its_makers_tokenizer(name: str, family: str) -> None:
    assert token_family(ModelSpec("m", "openai", name)) == family


def test_an_entry_says_the_family() -> None:
    assert token_family(ModelConfig(name="m", type="local", path="a.gguf", tokenizer="qwen").spec()) == "qwen"
    with pytest.raises(ValueError, match=r"neither the path of a tokenizer\.json"):
        ModelConfig(name="m", type="local", path="a.gguf", tokenizer="kwen")


def test_a_tokenizer_file_counts_exactly() -> None:
    spec = ModelSpec("m", "openai", "x", "http://127.0.0.1:1/v1", tokenizer=str(TOKENIZER))
    assert count(spec) == TokenCount(13, True)


def test_a_file_that_is_no_tokenizer_is_a_setting_to_mend(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")
    with pytest.raises(SettingsError, match="cannot be read"):
        count(ModelSpec("m", "openai", "x", "http://127.0.0.1:1/v1", tokenizer=str(path)))


@pytest.mark.parametrize("answer", [{"tokens": [1, 2, 3]}, {"count": 3, "tokens": [1, 2, 3], "max_model_len": 9}])
def test_a_server_of_ones_own_counts(answer: object) -> None:
    with raw_upstream() as up:
        up.script = lambda asked: [whole(answer)]
        assert count(ModelSpec("m", "openai", "x", up.url, api_key="k")) == TokenCount(3, True)
    assert up.asked[0].target == "/tokenize"
    assert up.asked[0].headers["authorization"] == "Bearer k"
    assert up.asked[0].body == {"content": TEXT, "prompt": TEXT, "model": "x"}


@pytest.mark.parametrize("answer", [{"error": "no"}, [1], {"count": "many"}])
def test_a_server_that_does_not_count_is_not_asked_again(answer: object) -> None:
    with raw_upstream() as up:
        up.script = lambda asked: [whole(answer)]
        spec = ModelSpec("m", "openai", "qwen3", up.url)
        assert count(spec) == count(spec) == TokenCount(estimate_tokens(TEXT, "qwen"), False)
    assert len(up.asked) == 1


def test_the_context_check_counts_by_the_model_s_tokenizer() -> None:
    knows, does_not, nobody = (ModelSpec("m", "openai", name, context_window=2000) for name in ("gpt-4o", "gpt-4", "x"))
    text = "पुरानी कागज़ मिल नदी के किनारे खड़ी रही। " * 100
    needs = Requirements(estimate_tokens(text), measure=lambda family: estimate_tokens(text, family))
    assert needs.fit(knows)
    assert not needs.fit(does_not)
    assert not needs.fit(nobody)
