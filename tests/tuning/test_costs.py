import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.outcomes import table

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.known_models import maker_prices
from autopicker_lab.tuning import OutcomeMatrix, read_outcomes
from autopicker_lab.tuning.costs import costs_of_calls
from autopicker_lab.tuning.outcomes import validate


def costs(rows: Any, **options: Any) -> Any:
    rows = validate(rows)
    return costs_of_calls(rows, rows["prompt_id"].unique(), sorted(rows["model"].unique()), **options)


def rows(**columns: Any) -> pd.DataFrame:
    """Two prompts, each answered by two models; columns by name, one value a row."""
    whole = {"prompt_id": ["a", "a", "b", "b"], "prompt": ["p", "p", "q", "q"], "score": 1.0, "model": ["x", "y"] * 2}
    return pd.DataFrame(whole | columns)


def test_models_that_are_known_by_name_are_priced_and_told() -> None:
    found = costs(rows(model=["gpt-4o", "openai/gpt-4o-mini"] * 2, prompt_tokens=1000, completion_tokens=1000))
    assert found.in_usd
    dear, cheap = found.values[0]
    assert dear > 5 * cheap > 0
    assert "gpt-4o, openai/gpt-4o-mini" in found.notes[0]


def test_what_was_measured_is_not_priced() -> None:
    found = costs(rows(model=["gpt-4o", "mine"] * 2, cost_usd=[0.5, 0.1] * 2))
    assert found.values.tolist() == [[0.5, 0.1]] * 2
    assert not found.notes


def test_models_without_a_price_are_named_with_what_to_pass() -> None:
    found = costs(rows(model=["gpt-4o", "mine"] * 2))
    assert not found.in_usd
    assert "no cost and no price of mine" in found.notes[-1]
    assert "--prices" in found.notes[-1]
    same = costs(rows(cost_usd=0.1))
    assert "all models cost the same" in same.notes[-1]


def test_names_that_mean_no_model_have_no_price() -> None:
    for name in ("large", "small", "mine/7b", "", "/", "gpt", "qwen2.5-7b-instruct"):
        assert maker_prices(name) is None
    assert maker_prices("groq/llama-3.1-8b-instant") is not None


def test_answers_of_unknown_length_are_as_long_as_the_others_of_their_model(tmp_path: Path) -> None:
    outcomes = tmp_path / "o.csv"
    rows(prompt_tokens=0, completion_tokens=[100, 2000, np.nan, np.nan]).to_csv(outcomes, index=False)
    prices = tmp_path / "p.json"
    prices.write_text(json.dumps({name: {"price_in": 1, "price_out": 1} for name in "xy"}))
    found = read_outcomes(outcomes, prices)
    assert found["cost_usd"].tolist() == pytest.approx([1e-4, 2e-3, 1e-4, 2e-3])  # of one price, and not of one cost


def test_prices_come_from_the_catalogue_file_too(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(
        "models:\n"
        "  - {name: mine, type: openai, endpoint: 'https://example.com/v1', model: x, price_in: 2, price_out: 10}\n"
        "  - {name: y, type: local}\n"
    )
    outcomes = tmp_path / "o.csv"
    rows(prompt_tokens=1000, completion_tokens=500).to_csv(outcomes, index=False)
    assert read_outcomes(outcomes, path)["cost_usd"].tolist() == pytest.approx([0.007, 0, 0.007, 0])
    for text, word in (("models: 7", "no list of models"), ("models: [{name: a}]", "models: ")):
        path.write_text(text)
        with pytest.raises(InvalidRequestError, match=word if "list" in word else "cannot use the prices"):
            read_outcomes(outcomes, path)


def test_seconds_cost_what_they_are_said_to() -> None:
    measured = rows(cost_usd=[0.5, 0.1] * 2, latency_s=[1, 10, np.nan, 20])
    found = costs(measured, latency_weight=0.01)
    assert found.values == pytest.approx(np.array([[0.51, 0.2], [0.51, 0.3]]))
    assert costs(rows(latency_s=[1, 2] * 2), latency_weight=0.01).values[0] == pytest.approx([0.01, 0.02])
    with pytest.raises(InvalidRequestError, match="some models have none measured"):
        costs(rows(latency_s=[np.nan, 2] * 2), latency_weight=0.01)
    for wrong in (-1.0, float("inf"), float("nan")):
        with pytest.raises(InvalidRequestError, match="a second cannot cost"):
            costs(measured, latency_weight=wrong)


def test_slow_models_are_dear_where_seconds_count() -> None:
    slow = table(60, usd=True)
    slow["latency_s"] = np.where(slow["model"] == "large", 0.1, 30.0)
    found = OutcomeMatrix.from_table(slow, latency_weight=0.01)
    assert found.cost_unit == "usd"
    assert found.mean_costs.tolist() == pytest.approx([0.301, 0.011])
