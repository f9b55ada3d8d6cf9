"""RouterArena's files of a policy, by the schema that its repository documents."""

import json
from pathlib import Path

import pytest

from autopicker_lab import cli
from autopicker_lab.core import InvalidRequestError, ModelSpec, RoutePolicy, Tier
from autopicker_lab.tuning.router_arena import write_submission

POLICY = RoutePolicy("p", (Tier(0, 0.1), Tier(5, 0.8)), {"small": 0.5, "large": 0.9})
SPECS = [ModelSpec("small", "local"), ModelSpec("large", "openai", price_out=1.0)]
HARD = "Prove that the sum of two integers is an integer, step by step, and compare three theorems. " * 4


def test_each_entry_has_the_model_that_the_policy_chooses(tmp_path: Path) -> None:
    entries = [{"global index": "A_1", "prompt_formatted": "Hello"}, {"global index": "A_2", "prompt": HARD}]
    data = tmp_path / "router_data_10.json"
    data.write_text(json.dumps(entries), "utf-8")
    predictions, config = write_submission(data, POLICY, SPECS, tmp_path, "mine")
    found = json.loads(predictions.read_text("utf-8"))
    assert [(row["global index"], row["prompt"], row["prediction"]) for row in found] == [
        ("A_1", "Hello", "small"),
        ("A_2", HARD, "large"),
    ]
    assert found[0]["generated_result"] is None
    assert json.loads(config.read_text("utf-8"))["pipeline_params"]["models"] == ["large", "small"]


@pytest.mark.parametrize("text", ["{}", "[]", "no", '[{"prompt": "without an index"}]'])
def test_what_is_no_data_set_is_told(tmp_path: Path, text: str) -> None:
    data = tmp_path / "d.json"
    data.write_text(text, "utf-8")
    with pytest.raises(InvalidRequestError):
        write_submission(data, POLICY, SPECS, tmp_path, "mine")
    assert not (tmp_path / "predictions").exists()


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "d.json"
    data.write_text(json.dumps([{"global index": "A_1", "prompt": "Hello"}]), "utf-8")
    with pytest.raises(SystemExit) as ended:
        cli.main(["router-arena", str(data), "--policy", "default", "--out", str(tmp_path), "--name", "mine"])
    assert ended.value.code == 0
    assert (tmp_path / "predictions" / "mine.json").exists()
    assert "predictions/mine.json" in capsys.readouterr().out
