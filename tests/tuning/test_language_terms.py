"""A language with enough outcomes gets estimates of its own, shrunk towards those of all."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from autopicker_lab.complexity import score
from autopicker_lab.core import ChatRequest, InvalidRequestError, ModelSpec, RoutePolicy, Tier
from autopicker_lab.routing import Requirements, choose, load_policy, save_policy
from autopicker_lab.routing.estimator import LearnedEstimator, estimate_each
from autopicker_lab.routing.readings import APART, BOTH_ENDS, READINGS
from autopicker_lab.routing.written_language import written_language
from autopicker_lab.tuning import fitting, tune
from autopicker_lab.tuning.language_terms import language_terms, languages_with_enough
from autopicker_lab.tuning.novelty import with_novelty
from autopicker_lab.tuning.sections import language_section

MODELS = ("weak", "strong")
THINGS = ["river", "city", "battle", "king", "novel", "planet", "metal", "island", "painter", "treaty"]
DINGE = ["Strom", "Hauptstadt", "Schlacht", "Krone", "Dichtung", "Himmel", "Silber", "Insel", "Malerei", "Vertrag"]
ENGLISH = [
    f"Which {thing} of the {age}th century is the largest in Europe?" for thing in THINGS for age in range(10, 20)
]
GERMAN = [
    f"Welche {ding} aus dem {age}. Jahrhundert kennt man heute noch in der Welt?" for ding in DINGE for age in range(6)
]
TEXTS = ENGLISH + GERMAN
IS_GERMAN = np.arange(len(TEXTS)) >= len(ENGLISH)
TRUE = np.where(IS_GERMAN[:, None], [0.3, 0.8], [0.7, 0.8])  # the weak model is weaker in German
SCORES = (np.random.default_rng(0).random(TRUE.shape) < TRUE).astype(float)
SPECS = [ModelSpec(name, "local", context_window=4096) for name in MODELS]


@cache
def fitted() -> LearnedEstimator:
    prompts = fitting.prepare_to_fit(TEXTS, np.arange(len(TEXTS)))
    return with_novelty(fitting.fit(prompts, SCORES, MODELS), prompts)


def policy(estimator: LearnedEstimator) -> RoutePolicy:
    qualities = {"weak": 0.6, "strong": 0.7}
    return RoutePolicy("made-up", (Tier(0, 0.0),), qualities, estimator=estimator, pair=MODELS, unfamiliar="incumbent")


def error(estimates: np.ndarray, rows: np.ndarray) -> float:
    gains, true = estimates[:, 1] - estimates[:, 0], TRUE[:, 1] - TRUE[:, 0]
    return float(np.abs(gains - true)[rows].mean())


def test_estimates_of_a_language_come_nearer_to_what_is_true_in_it() -> None:
    term = fitted().by_language["de"]
    assert term.groups == len(GERMAN)
    assert term.left[0] < term.added[0] < 0  # shrunk
    without = replace(fitted(), by_language={})
    prompts = fitting.prepare(TEXTS, np.arange(len(TEXTS)))
    own, pooled = fitting.predict(fitted(), prompts), fitting.predict(without, prompts)
    assert error(own, IS_GERMAN) < error(pooled, IS_GERMAN)
    assert error(own, ~IS_GERMAN) <= error(pooled, ~IS_GERMAN)
    np.testing.assert_allclose(estimate_each(fitted(), TEXTS), own, atol=1e-3)  # served as it was fitted


def test_figures_out_of_fold_hold_them_fitted_within_each_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = fitting.prepare(TEXTS, np.arange(len(TEXTS)))
    folds = fitting.grouped_folds(prompts.groups, 3, 0)
    own = fitting.out_of_fold(prompts, SCORES, folds)  # with 40 German prompts in each
    monkeypatch.setattr(fitting, "languages_with_enough", lambda _: ())
    assert error(own, IS_GERMAN) < error(fitting.out_of_fold(prompts, SCORES, folds), IS_GERMAN) - 0.02


@pytest.mark.parametrize("texts", [ENGLISH, ENGLISH + GERMAN[:45], ["2 + 2 = 5"] * 100 + ENGLISH])
def test_one_language_and_few_prompts_of_another_change_nothing(texts: list[str]) -> None:
    prompts = fitting.prepare(texts, np.arange(len(texts)))
    assert languages_with_enough(prompts) == ()
    raw = fitting.fit(prompts, np.resize(SCORES, (len(texts), 2)), MODELS).to_dict()
    assert raw["kind"] == BOTH_ENDS
    assert "by_language" not in raw


def test_a_group_of_alike_prompts_is_one_outcome() -> None:
    groups = np.where(IS_GERMAN, 1000 + np.arange(len(TEXTS)) // 2, np.arange(len(TEXTS)))
    assert languages_with_enough(fitting.prepare(TEXTS, groups, parts=True)) == ()


def test_noise_is_added_to_no_estimate() -> None:
    prompts = fitting.prepare(TEXTS, np.arange(len(TEXTS)))
    left = np.tile([[0.3, -0.3], [-0.3, 0.3]], (len(TEXTS) // 2, 1))
    assert language_terms(prompts, left, ("de", "en")) == {}
    halved = language_terms(prompts, left + np.where(IS_GERMAN[:, None], [0.05, -0.05], 0.0), ("de", "en"))
    assert 0 < halved["de"].added[0] < 0.05
    assert halved["en"].added == (0.0, 0.0)


def test_a_decision_names_the_language_whose_estimates_it_is_made_by() -> None:
    def reason(question: str) -> str:
        return choose(
            score(ChatRequest.of(question)), SPECS, policy(fitted()), Requirements(1), question=question
        ).reason

    assert reason(GERMAN[0]).endswith("; its language (de) has estimates of its own")
    assert "its language" not in reason("17 + 5")


def test_a_language_with_estimates_of_its_own_is_not_new_and_others_are() -> None:
    found = policy(fitted())
    assert np.mean([found.is_unfamiliar(text) for text in GERMAN]) <= 0.02
    assert found.is_unfamiliar("Какая река протекает через Москву?")
    assert found.is_unfamiliar("¿Quién escribió la primera novela moderna?")
    assert fitted().by_language["de"].novelty != fitted().by_language["en"].novelty


def test_a_policy_file_keeps_them_and_versions_before_refuse_it(tmp_path: Path) -> None:
    path = save_policy(policy(fitted()), tmp_path / "policy.json")
    read = load_policy(path)
    assert read.id == policy(fitted()).id != policy(replace(fitted(), by_language={})).id
    assert read.estimator is not None
    assert read.estimator.estimate(GERMAN[0], {}) == fitted().estimate(GERMAN[0], {})
    raw = json.loads(path.read_text("utf-8"))
    assert raw["estimator"]["kind"] == "linear-8"
    damages: tuple[dict[str, object], ...] = (
        {"added": [0.1]},
        {"left": [0.1, float("nan")]},
        {"groups": "many"},
        {"novelty": {}},
    )
    for damage in damages:
        broken = raw["estimator"]["by_language"]["de"] | damage
        changed = raw | {"estimator": raw["estimator"] | {"by_language": {"de": broken}}}
        path.write_text(json.dumps(changed), "utf-8")
        with pytest.raises(InvalidRequestError, match="are damaged"):
            load_policy(path)


def test_a_report_lists_what_was_added_to_which_language() -> None:
    rows = [
        {"prompt_id": str(i), "prompt": text, "model": model, "score": float(SCORES[i, k]), "cost_usd": 0.001 + k}
        for i, text in enumerate(TEXTS)
        for k, model in enumerate(MODELS)
    ]
    report = tune(pd.DataFrame(rows), folds=2, repeats=1, cascade="off", groups="off")
    own = report.to_dict()["own_estimates"]
    assert set(own) == {"de", "en"}
    assert own["de"]["groups"] == len(GERMAN)
    section = next(section for section in report.sections() if "Languages" in section.title)
    assert [row[:3] for row in section.rows][:2] == [("de", "60", "weak"), ("de", "60", "strong")]
    assert "[" in section.rows[0][4]
    assert language_section(replace(fitted(), by_language={})).rows == ()


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What is the capital of Hungary?", "en"),
        ("Wie heißt die Hauptstadt von Ungarn?", "de"),
        ("Quelle est la capitale de la Hongrie ?", "fr"),
        ("¿Cuál es la capital de Hungría?", "es"),
        ("Qual è la capitale dell'Ungheria?", "it"),
        ("Qual é a capital da Hungria e quando foi fundada?", "pt"),
        ("Wat is de hoofdstad van Hongarije?", "nl"),
        ("Jaka jest stolica Węgier i kiedy powstała?", "pl"),
        ("Macaristan'ın başkenti nedir ve ne zaman kuruldu?", "tr"),
        ("Какой город является столицей Венгрии?", "cyrillic"),
        ("匈牙利的首都是哪里？", "chinese"),
        ("ハンガリーの首都はどこですか", "japanese"),
        ("헝가리의 수도는 어디입니까?", "hangul"),
        ("Ποια είναι η πρωτεύουσα της Ουγγαρίας;", "greek"),
        ("Is the constant π the area of the unit disc, or Σ?", "en"),
        ("E = mc^2, ∂x/∂t", ""),
        ("", ""),
    ],
)
def test_the_language_of_a_question_is_told_whatever_its_letter_case(text: str, language: str) -> None:
    for written in (text, text.upper(), f"\n{text.lower()}\n"):
        assert written_language(READINGS[APART].read(written, None).excerpt) == language


def test_a_model_that_joins_later_gets_what_the_others_do() -> None:
    term = fitted().by_language["de"].with_model()
    assert term.added[:2] == fitted().by_language["de"].added
    assert min(term.added[:2]) <= term.added[2] <= max(term.added[:2])
    assert len(term.left) == len(term.errors) == 3
