import base64
import hashlib
import json
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from support.outcomes import MODELS, table

from autopicker_lab.complexity.features import measure
from autopicker_lab.core import InvalidRequestError, RoutePolicy, StoppedError, StorageError, Tier
from autopicker_lab.grading import grade
from autopicker_lab.routing import default_policy, load_policy, save_policy
from autopicker_lab.tuning import (
    DriftState,
    Finding,
    OutcomeMatrix,
    evaluate,
    fitting,
    gate,
    keep_as_decisions,
    measure_drift,
    plot_calibration,
    read_outcomes,
    tune,
    validate,
)
from autopicker_lab.tuning.baselines import heuristic_scores
from autopicker_lab.tuning.drift import decile_shares
from autopicker_lab.tuning.grouping import near_duplicates
from autopicker_lab.tuning.transfer import transfer_between

OUTCOMES = ROOT / "data" / "outcomes" / "outcomes.jsonl"
QUESTIONS = ROOT / "data" / "outcomes" / "questions.jsonl"


@pytest.fixture(scope="module")
def report() -> Any:
    return tune(table())


# tables


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".jsonl", ".parquet"])
def test_tables_are_read_long(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"o{suffix}"
    if suffix == ".jsonl":
        table().to_json(path, orient="records", lines=True)
    elif suffix == ".parquet":
        table().to_parquet(path)
    else:
        table().to_csv(path, index=False)
    found = read_outcomes(path)
    assert len(found) == 480
    assert found["score"].tolist() == table()["score"].tolist()


def written(tmp_path: Path, text: Any, name: str = "o.csv") -> Any:
    (tmp_path / name).write_text(text, "utf-8")
    return tmp_path / name


def test_the_wide_form(tmp_path: Path) -> None:
    path = written(tmp_path, "prompt_id,task,prompt,score|x,score|y,usd|x\na,t,p,1,0,0.5\nb,t,NA,,1,\n")
    rows = read_outcomes(path).set_index(["prompt_id", "model"])
    assert rows.loc[("a", "x"), "cost_usd"] == 0.5
    assert rows["score"].to_dict() == {("a", "x"): 1, ("a", "y"): 0, ("b", "y"): 1}  # an empty cell was not measured
    assert rows.loc[("b", "y"), "prompt"] == "NA"  # a prompt may be any text


def test_routellms_published_form(tmp_path: Path) -> None:
    path = written(tmp_path, "prompt,mistralai/Mixtral,gpt-4\nWhy?,True,False\nHow?,False,True\n")
    rows = read_outcomes(path)
    assert set(rows["model"]) == {"mistralai/Mixtral", "gpt-4"}
    assert rows.groupby("model")["score"].sum().to_dict() == {"gpt-4": 1, "mistralai/Mixtral": 1}


def test_routerbenchs_published_form(tmp_path: Path) -> None:
    head = "sample_id,prompt,eval_name,gpt-4,gpt-4|model_response,gpt-4|total_cost,oracle_model_to_route_to\n"
    row = read_outcomes(written(tmp_path, head + "x.1,\"['Why?', 'So?']\",mmlu,0.5,because,0.001,gpt-4\n")).iloc[0]
    assert (row["prompt_id"], row["prompt"], row["task"]) == ("x.1", "Why?\n\nSo?", "mmlu")
    assert (row["model"], row["score"], row["cost_usd"]) == ("gpt-4", 0.5, 0.001)


def test_prices_fill_in_costs(tmp_path: Path) -> None:
    outcomes = written(tmp_path, "prompt_id,prompt,model,score,prompt_tokens,completion_tokens\na,p,x,1,1000,500\n")
    prices = written(tmp_path, json.dumps({"x": {"price_in": 2, "price_out": 10}}), "prices.json")
    assert read_outcomes(outcomes, prices).loc[0, "cost_usd"] == pytest.approx(0.007)
    with pytest.raises(InvalidRequestError, match="cannot use the prices"):
        read_outcomes(outcomes, written(tmp_path, '{"x": {"price": 2}}', "prices.json"))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda t: t.drop(columns="score"), "no column 'score'"),
        (lambda t: t.head(0), "no rows"),
        (lambda t: t.assign(score=[2.0, *t["score"][1:]]), "row 1: 'score'"),
        (lambda t: t.assign(score=[*t["score"][:-1].astype(object), "x"]), "row 480: 'score'"),
        (lambda t: t.assign(score=[*t["score"][:-1].astype(object), "=1+1"]), "row 480: 'score'"),
        (lambda t: t.assign(score=[*t["score"][:-1], np.nan]), "row 480: 'score'"),
        (lambda t: t.assign(score=[np.inf, *t["score"][1:]]), "row 1: 'score'"),
        (lambda t: t.assign(prompt=["", *t["prompt"][1:]]), "row 1: 'prompt' is empty"),
        (lambda t: t.assign(model=[" ", *t["model"][1:]]), "row 1: 'model' is empty"),
        (lambda t: t.assign(cost_usd=[-1.0] * len(t)), "row 1: 'cost_usd' is negative"),
        (lambda t: t.assign(latency_s=["soon"] * len(t)), "row 1: 'latency_s' must be a number"),
        (lambda t: t.assign(prompt=[*t["prompt"][:1], "another", *t["prompt"][2:]]), "row 2: 'prompt' differs"),
    ],
)
def test_a_table_that_is_wrong_is_named(tmp_path: Path, change: Any, word: str) -> None:
    change(table()).to_csv(tmp_path / "o.csv", index=False)
    with pytest.raises(InvalidRequestError, match=word):
        read_outcomes(tmp_path / "o.csv")


def test_rows_of_one_prompt_and_model_are_samples(tmp_path: Path) -> None:
    once = table()
    twice = once.head(1).assign(score=1 - once["score"][0], latency_s=3.0)
    pd.concat([once.assign(latency_s=1.0), twice, twice], ignore_index=True).to_csv(tmp_path / "o.csv", index=False)
    read = read_outcomes(tmp_path / "o.csv")
    assert len(read) == len(once)
    first, last = read.iloc[0], read.iloc[-1]
    scores = [once["score"][0], *twice["score"], *twice["score"]]
    assert first["score"] == pytest.approx(np.mean(scores))
    assert (first["samples"], first["spread"]) == (3, pytest.approx(np.std(scores, ddof=1)))
    assert first["latency_s"] == pytest.approx(7 / 3)
    assert (last["samples"], np.isnan(last["spread"]), last["score"]) == (1, True, once["score"].iloc[-1])
    again = pd.concat([read, twice.assign(samples=np.nan)], ignore_index=True)
    merged = validate(again).iloc[0]
    assert (merged["samples"], merged["spread"]) == (4, pytest.approx(np.std([*scores, *twice["score"]], ddof=1)))


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("o.txt", b"a", "not an outcomes table"),
        ("o.pkl", b"\x80\x04.", "can run any code"),
        ("o.csv", b"", "cannot read"),
        ("o.jsonl", b"{", "cannot read"),
        ("o.parquet", b"PAR1", "cannot read"),
        ("o.csv.gz", b"no gzip", "cannot read"),
        ("o.csv", b"a,b\n1,2\n", "no column 'prompt_id'"),
    ],
)
def test_a_file_that_is_no_table(tmp_path: Path, name: str, content: bytes, word: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidRequestError, match=word):
        read_outcomes(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("prompt_id,prompt,model_name,score\na,p,x,1\n", "no column 'model'"),
        ("prompt_id,prompt,model,Score\na,p,x,1\n", "Rename 'Score'"),
        ("prompt_id,prompt,model,score, score\na,p,x,1,1\n", "two columns 'score'"),
        ("prompt_id,prompt,model,score,cost_usd\na,p,x,1,inf\n", "row 1: 'cost_usd' is infinite"),
        ("prompt,score|x,score|y\np,1,0\nq,0,1\nr,1,7\n", "row 3: 'score'"),
        ("prompt;model;score\np;x;1\n", "no column 'prompt_id'"),
        ("a,b\n1\n2,3,4\n", "commas between cells"),
    ],
)
def test_a_table_that_is_nearly_right_is_told_what_is_wrong(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises(InvalidRequestError, match=word) as caught:
        read_outcomes(written(tmp_path, text))
    assert caught.value.hint


def test_ids_and_prompts_are_never_taken_for_numbers(tmp_path: Path) -> None:
    rows = read_outcomes(written(tmp_path, "prompt_id,prompt,model,score\n001,0010,x,1\n1,1e3,x,0\n"))
    assert rows["prompt_id"].tolist() == ["001", "1"]
    assert rows["prompt"].tolist() == ["0010", "1e3"]


def test_only_verdicts_make_a_model_of_a_column(tmp_path: Path) -> None:
    text = "prompt,gpt,cost_usd,temperature,share\nWhy?,True,0.5,0.7,0.2\nHow?,False,0.5,0.7,0.9\n"
    assert read_outcomes(written(tmp_path, text))["model"].unique().tolist() == ["gpt"]


@pytest.mark.parametrize(
    ("rows", "fields", "word"),
    [
        (table(20), {}, "too little data: 20 prompts"),
        (table(), {"strong": "gpt"}, "no model 'gpt'"),
        (table(), {"strong": "smollm2-135m", "weak": "large"}, "not better"),
        (table()[lambda t: t["model"] == "large"], {}, "needs two models"),
        (table().assign(score=1.0), {}, "same score"),
        (table().assign(prompt="the same"), {}, "only 1 of them differ"),
    ],
)
def test_what_cannot_be_tuned_is_refused(rows: Any, fields: Any, word: str) -> None:
    with pytest.raises(InvalidRequestError, match=word):
        tune(rows, **fields)


def hash_of(text: Any) -> Any:
    """A word of its own for each text."""
    return hashlib.md5(text.encode()).hexdigest().translate(str.maketrans("0123456789", "ghijklmnop"))


@pytest.mark.slow
def test_very_many_rows_are_sampled_and_it_says_so() -> None:
    n = 50_000
    ids = np.repeat(np.arange(n).astype(str), 2)
    prompts = [f"{hash_of(i)} {hash_of(i + 'b')}" for i in ids]
    rows = pd.DataFrame({"prompt_id": ids, "prompt": prompts, "model": ["a", "b"] * n, "task": "", "cost_usd": np.nan})
    rows["score"] = np.tile([0.0, 1.0], n)
    found = OutcomeMatrix.from_table(rows)
    assert len(found) == 20_000
    assert "sample of 20,000 of 50,000" in found.notes[0]


def test_prompts_that_lack_a_model_are_left_out_and_counted() -> None:
    assert OutcomeMatrix.from_table(table().iloc[1:]).notes[0] == "1 prompts lack a model and are left out"


# fitting


@pytest.mark.slow
def test_what_is_there_to_be_learned_is_learned(report: Any) -> None:
    assert report.outcomes.pair == MODELS
    assert report.apgr.low > 0.55
    assert report.apgr.value > report.baselines["length"].apgr.value - 0.05
    assert report.verdict.pays
    assert "routing saves" in report.verdict.sentence
    assert report.saving.share.low > 0.1
    best = report.baselines[f"always:{report.saving.best}"]
    assert report.quality.value == pytest.approx(best.quality.value + report.saving.quality.value)
    assert report.cost == pytest.approx(best.cost * (1 - report.saving.share.value))
    assert report.to_frame().set_index("router").loc["policy", ["quality", "cost"]].tolist() == [
        report.quality.value,
        report.cost,
    ]
    labels = [text.get_text() for text in report.plot().get_legend().get_texts()]
    assert len(labels) == 5  # one mark for the policy
    assert "this policy, as judged" in labels
    assert max(report.calibration.values()) < 0.2  # the last words decide here, and may move an estimate only so far
    assert {row["task"] for row in report.transfer} == {"division", "greeting"}
    assert set(report.baselines) == {
        "random",
        "length",
        "heuristic",
        "task mean",
        "same shares, at random",
        "always:smollm2-135m",
        "always:large",
        "oracle",
    }


def test_a_report_is_one_json_document_and_shows_itself(report: Any) -> None:
    found = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert {"n", "models", "apgr", "apgr_ci", "cpt50", "cpt80", "aiq", "verdict", "baselines"} <= set(found)
    assert found["baselines"]["always:large"]["quality"] == pytest.approx(report.outcomes.scores[:, 1].mean())
    assert str(report.verdict).split("(")[0] in report._repr_html_()
    assert report.plot().lines
    assert plot_calibration(report).lines
    assert len(report.scores_frame()) == 240


@pytest.mark.parametrize("steps", [1, 3, 4])
def test_tuning_stops_where_its_progress_says_so(steps: int) -> None:
    counts = []

    def progress(done: Any, total: Any) -> Any:
        counts.append((done, total))
        return done < steps

    with pytest.raises(StoppedError, match="tuning was stopped"):
        tune(table(100), folds=3, repeats=1, progress=progress)
    assert counts == [(done, 5) for done in range(1, steps + 1)]


@pytest.mark.slow
def test_scores_are_out_of_fold_and_the_same_for_the_same_seed(report: Any) -> None:
    again = tune(table())
    assert again.scores.tolist() == report.scores.tolist()
    seen = fitting.predict(report.policy.estimator, fitting.prepare(report.outcomes.prompts, np.arange(1)))
    assert abs(seen[:, 1] - seen[:, 0] - report.scores).max() > 0.01  # the final fit has seen them, these have not


@pytest.mark.slow
def test_where_there_is_nothing_to_learn_it_says_so() -> None:
    """Answers dealt to other prompts at random: by design of the test 1 of 20 such tables may look like evidence."""
    dealt = table()
    scores = dealt["score"].to_numpy().reshape(-1, 2)
    claims = 0
    for seed in range(6):
        order = np.random.default_rng(seed).permutation(240)
        found = tune(dealt.assign(score=scores[order].reshape(-1)), seed=seed)
        claims += found.verdict.pays
    assert claims <= 1


@pytest.mark.slow
def test_copies_of_prompts_are_no_further_evidence() -> None:
    """Noise on 60 prompts, ten copies of each: as many rows as real evidence would have, and no more to say."""
    random = np.random.default_rng(5)
    texts = [" ".join(hash_of(f"{i} {j}")[:6] for j in range(12)) for i in range(60)]
    gains = random.random((60, 2)) < (0.4, 0.7)
    rows = [
        {"prompt_id": f"{i}.{k}", "prompt": texts[i] + "!" * k, "model": model, "score": float(gains[i, m])}
        for i in range(60)
        for k in range(10)
        for m, model in enumerate(MODELS)
    ]
    found = tune(pd.DataFrame(rows))
    assert found.outcomes.different == 60
    assert not found.verdict.pays


@pytest.mark.slow
def test_a_lead_within_noise_has_no_curve() -> None:
    random = np.random.default_rng(2)
    even = table(200).assign(score=(random.random(400) < 0.5).astype(float))
    means = even.groupby("model")["score"].mean()
    found = tune(even, strong=str(means.idxmax()), weak=str(means.idxmin()))
    assert found.apgr is None
    assert found.cpt50 is None
    assert found.baselines["length"].apgr is None
    assert found.verdict.keep
    json.dumps(found.to_dict(), allow_nan=False)


def test_where_nobody_named_a_price_it_says_that_calls_are_counted() -> None:
    note = next(note for note in OutcomeMatrix.from_table(table(80)).notes if "calls" in note)
    assert "--prices" in note
    three = OutcomeMatrix.from_table(table(80, models=("small", "middle", "large")))
    assert "nothing can be saved" in " ".join(three.notes)
    assert not OutcomeMatrix.from_table(table(80, usd=True)).notes


@pytest.mark.slow
def test_many_models_with_costs() -> None:
    found = tune(table(300, models=("small", "middle", "large"), usd=True))
    assert found.outcomes.cost_unit == "usd"
    assert found.outcomes.pair == ("small", "large")
    assert found.saving.share.low > 0.2
    assert set(found.policy.costs) == {"small", "middle", "large"}


def test_near_duplicates_never_straddle_folds() -> None:
    assert len(np.unique(near_duplicates(["How long is a train of 60 m?", "How long is a train of 80 m?"]))) == 1
    assert len(np.unique(near_duplicates(["Reverse 'abc' now.", "Reverse 'xyz' now."]))) == 1
    assert len(np.unique(near_duplicates(["???", "🚢", "!!!", ""]))) == 4
    chinese = "天空为什么是蓝色的请用简单的话解释给孩子听不要超过三句话"
    assert len(np.unique(near_duplicates([chinese, chinese.replace("三", "五")]))) == 1
    preamble = " ".join(hash_of(str(i)) for i in range(450))
    asked = [f"{preamble} {' '.join(hash_of(f'{i} {j}') for j in range(12))}" for i in range(60)]
    assert len(np.unique(near_duplicates(asked))) == 60
    words = "the quick brown fox jumps over the lazy dog while seven wizards mix a potion of jade quartz and old vodka"
    texts = [f"{words} in the year {i // 2} {'!' * (i % 2)}" for i in range(20)] + ["Hello world", "hello, world!"]
    groups = near_duplicates(texts)
    assert groups[20] == groups[21]
    assert all(groups[i] == groups[i + 1] for i in range(0, 20, 2))
    assert groups[0] != groups[20]
    for train, test in fitting.grouped_folds(np.arange(60) // 2, 5, 0):
        assert not set(train // 2) & set(test // 2)


@pytest.mark.parametrize(
    "text", ["", "Say hello", "为什么天空是蓝色的？", "word " * 5000, "=cmd|' /C calc'!A0", "\x00\ud7ff🚢"]
)
def test_one_request_is_estimated_as_many_are(report: Any, text: str) -> None:
    estimator = report.policy.estimator
    one = estimator.estimate(text, measure(text))
    many = fitting.predict(estimator, fitting.prepare([text], np.arange(1)))[0]
    assert list(one.values()) == pytest.approx(many.tolist(), abs=2e-3)
    assert all(0 <= value <= 1 for value in one.values())


# policies


def pack_zeros(estimator: Any) -> Any:
    """The array `feature_scale` with nothing but zeros."""
    size = estimator["arrays"]["feature_scale"]["shape"]
    return {"data": base64.b64encode(zlib.compress(bytes(8 * size[0]))).decode()}


def test_a_fitted_policy_survives_its_file(report: Any, tmp_path: Path) -> None:
    path = save_policy(report.policy, tmp_path / "p.json")
    loaded = load_policy(path)
    text = "Divide 4711 by 37 and write the remainder."
    features = measure(text)
    assert loaded.estimator.estimate(text, features) == report.policy.estimator.estimate(text, features)
    assert (loaded.pair, loaded.cost_weight, loaded.edges) == (MODELS, report.policy.cost_weight, report.policy.edges)
    assert loaded.card["verdict"] == report.verdict.sentence
    assert loaded.id == report.policy.id
    assert loaded.stamp["seed"] == 0
    lines = path.read_text("utf-8").splitlines()
    assert len(lines) < 50
    assert any('"verdict"' in line for line in lines[:7])  # what a reader wants stands at the top


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda e: e.update(kind="forest"), "of kind 'forest'"),
        (lambda e: e.update(fingerprint="0"), "other embeddings"),
        (lambda e: e["arrays"].pop("bias"), "damaged: 'bias'"),
        (lambda e: e["arrays"]["bias"].update(dtype="object"), "damaged"),
        (lambda e: e["arrays"]["bias"].update(shape=[10**12]), "damaged"),
        (lambda e: e["arrays"]["bias"].update(data="AAAA"), "damaged"),
        (lambda e: e["arrays"].update(bias=e["arrays"]["stack"]), "'bias' is damaged"),
        (lambda e: e["models"].append("third"), "damaged"),
        (lambda e: e.update(models=[MODELS[0]] * 2), "damaged"),
        (lambda e: e["arrays"]["keys"].update(dtype="float64"), "damaged"),
        (lambda e: e["arrays"]["feature_scale"].update(pack_zeros(e)), "damaged"),
        (lambda e: e.update(models=["a", "b"]), "the pair of the policy"),
    ],
)
def test_a_damaged_estimator_is_refused(report: Any, tmp_path: Path, change: Any, word: str) -> None:
    path = save_policy(report.policy, tmp_path / "p.json")
    body = json.loads(path.read_text("utf-8"))
    change(body["estimator"])
    path.write_text(json.dumps(body))
    with pytest.raises(InvalidRequestError, match=word):
        load_policy(path)


@pytest.mark.slow
def test_a_policy_is_evaluated_on_outcomes_it_never_saw(report: Any) -> None:
    found = evaluate(table(seed=9), report.policy)
    assert found.apgr.low > 0.55
    assert found.verdict.pays
    with pytest.raises(InvalidRequestError, match="do not have two of them"):
        evaluate(table(models=("a", "b")), report.policy)


@pytest.mark.slow
def test_a_policy_on_its_own_outcomes_is_called_too_good(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "o.csv", index=False)
    tuned = tune(read_outcomes(tmp_path / "o.csv"), source=tmp_path / "o.csv")
    found = evaluate(read_outcomes(tmp_path / "o.csv"), tuned.policy, source=tmp_path / "o.csv")
    assert any("too good" in warning for warning in found.warnings)


@pytest.mark.slow
def test_a_policy_is_evaluated_by_the_rule_it_routes_by(report: Any) -> None:
    cheapest = replace(report.policy, by_tiers=True, tiers=(Tier(0.0, 0.0),))
    found = evaluate(table(seed=9), cheapest)
    assert found.saving.share.value == 1
    assert not found.verdict.pays
    known = replace(default_policy(), qualities=report.policy.qualities, costs=report.policy.costs)
    assert evaluate(table(), known).saving is not None


@pytest.mark.slow
def test_the_default_policy_is_evaluated_by_its_score() -> None:
    found = evaluate(table(), default_policy())
    assert found.scores.tolist() == heuristic_scores(found.outcomes.prompts).tolist()
    assert found.estimates is None
    assert found.verdict.finding in (Finding.SCORE_RANKS, Finding.SCORE_DOES_NOT_RANK)


@pytest.mark.slow
def test_transfer_between_data_sets() -> None:
    tables = {"one": table(seed=1), "two": table(seed=2), "three": table(seed=3)}
    pair = dict.fromkeys(tables, MODELS[0]), dict.fromkeys(tables, MODELS[1])
    found = transfer_between(tables, strong=pair[1], weak=pair[0])
    assert found["held out"].tolist() == list(tables)
    assert (found["apgr"] > 0.55).all()
    assert found["achieved_share"].between(0.3, 0.7).all()


def test_drift(report: Any) -> None:
    assert measure_drift(default_policy(), [1.0] * 500).psi is None
    assert measure_drift(report.policy, [50.0] * 20).state is DriftState.TOO_FEW
    assert measure_drift(report.policy, (3 * report.outcomes.prompts)[:600]).state is DriftState.STABLE
    assert measure_drift(report.policy, [99.0] * 1000).state is DriftState.CHANGED
    edges, shares = decile_shares([1.0] * 300)
    assert (edges, shares) == ((1.0,), (0.0, 1.0))
    assert measure_drift(RoutePolicy("c", (), edges=edges, shares=shares), [1.0] * 600).psi == pytest.approx(0)


# our own outcomes


@pytest.mark.slow
def test_our_outcomes_are_as_they_were_graded() -> None:
    questions = {row["prompt_id"]: row for row in map(json.loads, QUESTIONS.read_text("utf-8").splitlines())}
    rows = [json.loads(line) for line in OUTCOMES.read_text("utf-8").splitlines()]
    assert len(rows) == 2 * len(questions)
    for row in rows:
        question = questions[row["prompt_id"]]
        assert row["prompt"] == question["prompt"]
        if row["grader"] != "python" or row["model"] == MODELS[0]:
            assert grade.GRADERS[row["grader"]](row["reply"], question["answer"]) == row["score"], row["prompt_id"]


SHARED = ROOT.parent / "shared" / "data" / "routing"
SETS = {
    "mmlu_gpt4_mixtral": ("gpt-4-1106-preview", "mixtral-8x7b-instruct-v0.1"),
    "llmrouter_9models": ("llama-3.1-nemotron-51b-instruct", "llama-3.1-8b-instruct"),
    "zeroeval_crux_math": ("gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18"),
}


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="the development outcomes are not beside this clone")
@pytest.mark.parametrize("name", SETS)
def test_the_default_policy_ranks_no_worse_than_length(name: Any) -> None:
    strong, weak = SETS[name]
    found = evaluate(read_outcomes(SHARED / f"{name}.csv.gz"), default_policy(), strong=strong, weak=weak)
    assert found.apgr.value >= found.baselines["length"].apgr.value - 0.002


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="the development outcomes are not beside this clone")
def test_public_outcomes_are_learned_better_than_by_length() -> None:
    """On the smallest table; `bench routing` shows the others."""
    outcomes = read_outcomes(SHARED / "zeroeval_crux_math.csv.gz")
    found = tune(outcomes, strong="o1-mini-2024-09-12", weak="Meta-Llama-3.1-70B-Instruct", cascade="off")
    assert found.apgr.value >= 0.58
    assert found.apgr.low >= 0.55
    assert found.baselines["length"].p < 0.01
    assert found.verdict.pays


@pytest.mark.slow
class TestGate:
    def test_it_opens_for_what_is_better_and_only_then(self) -> None:
        data = OutcomeMatrix.from_table(table(400, seed=1))
        report = tune(table(400))
        weak = replace(report.policy, name="weak", cost_weight=1e9)
        found = gate(data, weak, report.policy)
        assert found.passed
        assert found.quality.low > 0
        assert found.verdict.startswith(f"deploy {report.policy.id}")
        back = gate(data, report.policy, weak)
        assert not back.passed
        assert "worse by more than 0.02" in back.verdict
        same = gate(data, weak, weak)
        assert not same.passed
        assert "not shown to be better at anything" in same.verdict
        assert found.plot().get_title("left").startswith("deploy")
        assert found.to_dict()["verdict"] == found.verdict

    def test_it_opens_for_what_is_cheaper_and_as_good(self) -> None:
        data = OutcomeMatrix.from_table(table(400, seed=1))
        strong = replace(tune(table(400)).policy, cost_weight=0.0)
        cheaper = replace(strong, name="cheaper", cost_weight=0.02)
        found = gate(data, strong, cheaper, margin=0.2)
        assert found.passed
        assert found.saving.low > 0

    def test_few_requests_prove_nothing_even_if_all_agree(self) -> None:
        data = OutcomeMatrix.from_table(table(120, seed=1))
        policy = tune(table(400)).policy
        found = gate(data, policy, replace(policy, name="same"))
        assert (found.quality.low, found.passed) == (0, False)
        assert "too few for a margin of 0.02" in found.verdict

    def test_it_stays_shut_for_outcomes_that_were_learned(self) -> None:
        report = tune(table(300))
        found = gate(report.outcomes, default_policy(), report.policy)
        assert not found.passed
        assert "fitted on these very prompts" in found.verdict
        assert found.to_frame()["of"].tolist()[0] == "quality"


def test_outcomes_become_decisions_and_back(tmp_path: Path) -> None:
    outcomes = read_outcomes(OUTCOMES)
    keep_as_decisions(outcomes, tmp_path / "log.sqlite")
    again = read_outcomes(tmp_path / "log.sqlite")
    assert len(again) == len(outcomes)
    wide = [t.pivot_table(index="prompt", columns="model", values="score") for t in (outcomes, again)]
    assert wide[0].equals(wide[1])
    with pytest.raises(StorageError, match="cannot write the decision log"):
        keep_as_decisions(outcomes, "/proc/nope/log.sqlite")
