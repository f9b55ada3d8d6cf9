import pickle
import re
from pathlib import Path
from typing import Any

import pytest

import autopicker_lab
from autopicker_lab import Settings, Workbench
from autopicker_lab.core import InvalidRequestError, SettingsError, StorageError
from autopicker_lab.service import start
from autopicker_lab.settings import ModelConfig

PAGE = Path(autopicker_lab.__file__).with_name("settings.md").read_text("utf-8")
ROWS = {row[1]: row[2].strip() for row in re.finditer(r"(?m)^\| `(\w+)` \|([^|]*)\|", PAGE)}
SETTINGS = [name for name in Settings.model_fields if name != "models"]
YAML = """
models:
  - name: "custom-llama"
    endpoint: "http://localhost:11434"
    type: "ollama"
    capabilities: ["text", "multimodal"]
  - name: "openai-gpt4"
    endpoint: "https://api.openai.com/v1"
    type: "openai"
    api_key: "${OPENAI_API_KEY}"
    capabilities: ["text", "images"]
"""


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_has_a_row_with_its_default(name: Any) -> None:
    default = Settings.model_fields[name].default
    if isinstance(default, bool):
        assert ROWS[name.upper()] == str(default).lower()
    elif isinstance(default, int | float):
        assert float(ROWS[name.upper()]) == default
    elif isinstance(default, str) and default:
        assert ROWS[name.upper()] == default
    else:
        assert ROWS[name.upper()]


@pytest.mark.parametrize("name", ModelConfig.model_fields)
def test_every_field_of_a_model_has_a_row_with_its_default(name: Any) -> None:
    default = ModelConfig.model_fields[name].default
    if isinstance(default, bool):
        assert ROWS[name] == str(default).lower()
    elif isinstance(default, int | float):
        assert float(ROWS[name]) == default
    assert name in ROWS


def test_no_row_is_of_a_setting_that_is_gone() -> None:
    assert set(ROWS) == {name.upper() for name in SETTINGS} | set(ModelConfig.model_fields)


def test_defaults() -> None:
    settings = Settings.load()
    assert (settings.rate_limit_requests, settings.rate_limit_window, settings.max_file_size) == (100, 60, 10485760)
    assert (settings.cache_ttl, settings.enable_redis_cache, settings.api_key) == (3600, False, None)
    assert [spec.id for spec in settings.catalogue()] == ["smollm2-135m", "llama3.2-local"]


def test_the_environment_and_a_dotenv_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("# Performance\nMAX_FILE_SIZE=1048576  # 1MB\nLOG_FORMAT=JSON\nAPI_KEY=from-file\n")
    monkeypatch.setenv("API_KEY", "from-environment")
    monkeypatch.setenv("CACHE_TTL", "")
    settings = Settings.load()
    assert settings.max_file_size == 2**20
    assert settings.log_format == "json"
    assert settings.api_key.get_secret_value() == "from-environment"
    assert settings.cache_ttl == 3600
    assert "from-environment" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [("RATE_LIMIT_REQUESTS", "0"), ("CACHE_TTL", "soon"), ("LOG_LEVEL", "LOUD"), ("ENABLE_REDIS_CACHE", "perhaps")],
)
def test_an_invalid_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        Settings.load()


def test_the_documented_yaml(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "models.yaml").write_text(YAML)
    monkeypatch.setenv("AUTOPICKER_CONFIG", str(tmp_path / "models.yaml"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    llama, gpt = Settings.load().catalogue()
    assert (llama.provider, llama.capabilities) == ("ollama", frozenset({"text", "images"}))
    assert (gpt.api_key, gpt.endpoint) == ("sk-test", "https://api.openai.com/v1")
    assert "sk-test" not in repr(gpt)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("models: 3", "no list of models"),
        ("models: [{name: x, type: magic}]", "type"),
        ("models: [{name: x, type: local, colour: red}]", "colour"),
        ("models: [{type: local}]", "name"),
        ("models: [", "cannot read"),
    ],
)
def test_a_yaml_file_that_is_wrong_is_named(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "models.yaml").write_text(text)
    with pytest.raises(SettingsError, match=word):
        Settings.load(autopicker_config=tmp_path / "models.yaml")


def test_settings_are_frozen() -> None:
    with pytest.raises(Exception, match="frozen"):
        Settings.load().cache_ttl = 1  # type: ignore[misc]  # as meant


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ('{"name": "a", "type": "openai"}', "needs an endpoint"),
        ('{"name": "a", "type": "openai", "endpoint": "localhost:1234/v1"}', "begin with http"),
        ('{"name": "a", "type": "openai", "endpoint": "http://x", "api_key": "ключ"}', "ASCII"),
    ],
)
def test_a_model_that_could_never_be_asked_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, entry: str, says: str
) -> None:
    (tmp_path / "models.yaml").write_text(f'{{"models": [{entry}]}}')
    monkeypatch.setenv("AUTOPICKER_CONFIG", str(tmp_path / "models.yaml"))
    with pytest.raises(SettingsError, match=says):
        Settings.load()


@pytest.mark.parametrize("wrong", [{"storage_url": "foo://x"}, {"enable_redis_cache": True, "redis_url": "bla"}])
def test_storage_that_could_never_be_used_stops_the_start(wrong: Any) -> None:
    from autopicker_lab import Workbench
    from autopicker_lab.service import create_app

    with pytest.raises(SettingsError, match=next(reversed(wrong)).upper()):
        create_app(Workbench(Settings.load(**wrong)))


def test_a_worker_keeps_a_workbench_for_each_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    from autopicker_lab import workbench

    monkeypatch.setattr(workbench, "_worker_labs", {})
    model = {"name": "m", "type": "openai", "endpoint": "http://localhost:1/v1", "capabilities": {"tools", "json"}}
    fields: list[Any] = [
        {},
        {"api_key": "one"},
        {"api_key": "two"},
        {"secret_key": "three"},
        {"models": [model]},
        {"models": [{**model, "api_key": "four"}]},
        {"models": [{**model, "quality": 0.6}]},
    ]
    labs = [workbench.worker_lab(pickle.loads(pickle.dumps(Settings.load(**own)))) for own in fields]
    assert len(set(labs)) == len(fields)
    assert [workbench.worker_lab(Settings.load(**own)) for own in fields] == labs


def test_a_workbench_takes_settings_and_shows_its_models() -> None:
    with pytest.raises(InvalidRequestError, match="takes Settings, not str"):
        Workbench("models.yaml")  # type: ignore[arg-type]  # as meant
    with Workbench() as bench:
        assert "smollm2-135m" in bench._repr_html_()
        with pytest.raises(InvalidRequestError, match="its own settings"):
            start(bench, cache_ttl=0)
    with pytest.raises(StorageError, match="cannot write"):
        start(decision_log="/proc/nope/log.sqlite")
