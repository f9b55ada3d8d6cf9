import pytest

from autopicker_lab.core import SettingsError
from autopicker_lab.model_entry import clean_endpoint, clean_key
from autopicker_lab.settings import ModelConfig, Settings

fault = pytest.mark.fault


@pytest.mark.parametrize(
    ("written", "kind", "meant"),
    [
        (' "https://api.openai.com/v1/" ', "openai", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/chat/completions", "openai", "https://api.openai.com/v1"),
        ("http://h:1/v1/embeddings\n", "openai", "http://h:1/v1"),
        ("https://x.example/openai?api-version=1", "openai", "https://x.example/openai?api-version=1"),
        ("http://h:1/openai/deployments/d/chat/completions?v=1", "openai", "http://h:1/openai/deployments/d?v=1"),
        ("http://localhost:11434/", "ollama", "http://localhost:11434"),
        ("http://localhost:11434/v1", "ollama", "http://localhost:11434"),
        ("http://h/ollama/api/chat", "ollama", "http://h/ollama"),
        ("${BASE}/v1", "openai", "${BASE}/v1"),
    ],
)
def test_an_endpoint_is_what_it_means(written: str, kind: str, meant: str) -> None:
    assert clean_endpoint(written, kind) == meant


@pytest.mark.parametrize(
    ("written", "suggested"),
    [
        ("localhost:11434", "http://localhost:11434"),
        ("127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("api.openai.com/v1", "https://api.openai.com/v1"),
        ("htp://vllm:8000", "http://vllm:8000"),
        ("/v1", "must begin with http"),
        ("http://h:99999/v1", "port"),
    ],
)
def test_what_is_no_address_says_what_to_write(written: str, suggested: str) -> None:
    with pytest.raises(ValueError, match=suggested):
        clean_endpoint(written, "openai")


@pytest.mark.parametrize("written", ["sk-1", " sk-1\n", '"sk-1"', "Bearer sk-1", "bearer 'sk-1'", "'Bearer sk-1'"])
def test_a_key_is_sent_alone(written: str) -> None:
    assert clean_key(written) == "sk-1"
    assert ModelConfig(name="m", type="ollama", api_key=written).spec().api_key == "sk-1"


def refused(**entry: object) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        Settings.load(models=[{"name": "gpt", "type": "openai", "endpoint": "http://127.0.0.1:1/v1", **entry}])
    return caught.value


@fault(
    "an unknown field in an entry of the catalogue",
    "the start names the model, the field that is meant, and all fields",
)
@pytest.mark.parametrize(
    ("field", "meant"),
    [
        ("price_input", "price_in"),
        ("input_cost_per_token", "price_in"),
        ("base_url", "endpoint"),
        ("api-key", "api_key"),
        ("num_ctx", "context_window"),
        ("qualty", "quality"),
        ("timeout", "timeout_s"),
    ],
)
def test_an_unknown_field_says_which_is_meant(field: str, meant: str) -> None:
    error = refused(**{field: "sk-secret"})
    assert "model 'gpt'" in error.detail
    assert f"did you mean '{meant}'?" in error.hint
    assert all(name in error.hint for name in ModelConfig.model_fields)
    assert "sk-secret" not in str(error)


def test_a_wrong_value_names_the_model() -> None:
    assert "model 'gpt'" in refused(quality=7).detail
    assert "`type: openai`" in refused(type="vllm").detail
    assert "sk-secret" not in str(refused(headers={"Host": "sk-secret"}))
    assert "sk-secret" not in str(refused(endpoint="http//user:sk-secret@h"))
    assert ModelConfig(name="m", type=" OpenAI", endpoint="http://127.0.0.1:1").type == "openai"
