import json
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from support.serving import serving
from typer.testing import CliRunner

from autopicker_lab import Settings, Workbench
from autopicker_lab.cli.app import app
from autopicker_lab.cli.doctor import examine
from autopicker_lab.settings import ModelConfig


@pytest.fixture
def broken() -> Any:
    """The address of a server that lists a model, and fails when it is asked."""
    server = FastAPI()

    @server.get("/v1/models")
    async def models() -> Any:
        return {"data": [{"id": "m"}]}

    @server.post("/v1/chat/completions")
    async def chats() -> Any:
        return JSONResponse({"error": {"message": "no such deployment"}}, 400)

    with serving(server) as address:
        yield f"{address}/v1"


@pytest.mark.slow
@pytest.mark.fault("a server that lists its model and cannot answer", "`doctor --ask` says so")
def test_doctor_asks_each_model_for_a_token(broken: str) -> None:
    entries = (ModelConfig(name="m", type="openai", endpoint=broken), ModelConfig(name="small", type="local"))
    with Workbench(Settings.load(models=entries)) as lab:
        plain = {check.name: check for check in examine(lab)}
        asked = {check.name: check for check in examine(lab, ask=True)}
    assert plain["m"].ok
    assert not any(name.startswith("ask ") for name in plain)
    assert not asked["ask m"].ok
    assert "no such deployment" in asked["ask m"].detail
    assert asked["ask small"].ok


def test_models_says_where_figures_come_from_and_what_clashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "models.yaml"
    entry = 'name: "gpt", type: "openai", endpoint: "http://127.0.0.1:1/v1", model: "gpt-4o", api_key: "${LAB_NO_KEY}"'
    file.write_text(f'models:\n  - {{{entry}}}\n  - {{name: "b", type: "ollama", aliases: ["gpt"]}}\n')
    monkeypatch.setenv("AUTOPICKER_CONFIG", str(file))
    told = CliRunner().invoke(app, ["models"]).output
    assert "${LAB_NO_KEY} is not set" in told
    assert "price_in 2.5" in told
    assert "genai-prices" in told
    assert "the alias 'gpt' of 'b'" in told
    assert "'b': quality 0.5 is assumed" in told
    rows = json.loads(CliRunner().invoke(app, ["models", "--json"]).output)
    assert rows[0]["sources"]["price_in"] == "genai-prices"
