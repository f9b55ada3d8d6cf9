import numpy as np
import pandas as pd
import pytest

from autopicker_lab.complexity import score
from autopicker_lab.core import ChatRequest, InvalidRequestError
from autopicker_lab.routing import load_policy, save_policy
from autopicker_lab.tuning import apgr, bootstrap_apgr, cpt, fit_threshold, pgr, quality_curve, read_outcomes

WEAK = np.array([1.0, 0.0, 0.0, 1.0])
STRONG = np.array([1.0, 1.0, 0.0, 1.0])


def test_pgr_by_hand():
    assert pgr(0.75, 0.5, 1.0) == 0.5
    assert pgr(0.5, 0.5, 0.5) is None


def test_a_perfect_order_by_hand():
    # The one prompt that gains goes first: quality jumps from 0.5 to 0.75 at a quarter of the calls and stays.
    order = STRONG - WEAK
    shares, quality = quality_curve(order, WEAK, STRONG, bins=4)
    assert shares.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert quality.tolist() == [0.5, 0.75, 0.75, 0.75, 0.75]
    assert apgr(order, WEAK, STRONG, bins=4) == pytest.approx(0.125 + 0.75)
    assert cpt(order, WEAK, STRONG, 0.8) == 0.25


def test_the_worst_order_by_hand():
    assert apgr(WEAK - STRONG, WEAK, STRONG, bins=4) == pytest.approx(0.125)
    assert cpt(WEAK - STRONG, WEAK, STRONG, 0.5) == 1.0


def test_chance_is_a_half():
    random = np.random.default_rng(0)
    weak, strong = random.random(4000) < 0.5, random.random(4000) < 0.8
    values = (weak.astype(float), strong.astype(float))
    assert apgr(random.random(4000), *values) == pytest.approx(0.5, abs=0.06)
    low, high = bootstrap_apgr(random.random(4000), *values, rounds=200)
    assert low < 0.5 < high


def table(n=200, seed=0):
    """Outcomes in which long prompts need the strong model."""
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(n):
        words = int(random.integers(3, 400))
        prompt = "why " * words
        rows.append(("small", prompt, float(random.random() > words / 400)))
        rows.append(("large", prompt, float(random.random() > 0.05)))
    ids = [str(i // 2) for i in range(len(rows))]
    models, prompts, scores = zip(*rows, strict=True)
    return pd.DataFrame({"prompt_id": ids, "prompt": prompts, "model": models, "score": scores})


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".jsonl"])
def test_tables_are_read_long(tmp_path, suffix):
    path = tmp_path / f"o{suffix}"
    if suffix == ".jsonl":
        table().to_json(path, orient="records", lines=True)
    else:
        table().to_csv(path, index=False)
    assert len(read_outcomes(path)) == 400


def test_tables_are_read_wide(tmp_path):
    wide = pd.DataFrame(
        {"prompt_id": ["a"], "task": ["t"], "prompt": ["p"], "score|x": [1], "score|y": [0], "usd|x": [0.5]}
    )
    wide.to_csv(tmp_path / "o.csv", index=False)
    rows = read_outcomes(tmp_path / "o.csv").set_index("model")
    assert (rows.loc["x", "score"], rows.loc["y", "score"], rows.loc["x", "cost_usd"]) == (1, 0, 0.5)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda t: t.drop(columns="score"), "no column 'score'"),
        (lambda t: t.assign(score=[2.0, *t["score"][1:]]), "row 1: 'score'"),
        (lambda t: t.assign(score=[*t["score"][:-1].astype(object), "x"]), "row 400: 'score'"),
        (lambda t: pd.concat([t, t.head(1)], ignore_index=True), "row 401: prompt '0'"),
    ],
)
def test_a_table_that_is_wrong_is_named(tmp_path, change, word):
    change(table()).to_csv(tmp_path / "o.csv", index=False)
    with pytest.raises(InvalidRequestError, match=word):
        read_outcomes(tmp_path / "o.csv")


def test_a_fitted_policy_routes_as_measured_and_survives_its_file(tmp_path):
    report = fit_threshold(table(), target=0.8)
    assert (report.weak, report.strong, report.n) == ("small", "large", 200)
    assert report.apgr_ci[0] > 0.5
    assert "recover 80 %" in report.verdict
    policy = load_policy(save_policy(report.policy, tmp_path / "p.json"))
    prompts = table().drop_duplicates("prompt_id")["prompt"]
    strong = [policy.wanted_quality(score(ChatRequest.of(p)).score) > policy.qualities["small"] for p in prompts]
    assert sum(strong) / len(strong) == pytest.approx(report.cpt80, abs=0.06)
    assert report.plot().lines
    assert len(report.to_frame()) == 101


def test_where_routing_does_not_help_it_says_so():
    shuffled = table()
    shuffled["prompt"] = ["same words here"] * len(shuffled)
    assert "no evidence" in fit_threshold(shuffled).verdict


@pytest.mark.parametrize(
    ("rows", "fields", "word"),
    [
        (20, {}, "too little data"),
        (200, {"strong": "gpt"}, "no model 'gpt'"),
        (200, {"strong": "small", "weak": "large"}, "not better"),
    ],
)
def test_what_cannot_be_fitted_is_refused(rows, fields, word):
    with pytest.raises(InvalidRequestError, match=word):
        fit_threshold(table(rows), **fields)
