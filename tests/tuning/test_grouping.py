from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.outcomes import MODELS

from autopicker_lab.core import InvalidRequestError, RoutePolicy, Tier
from autopicker_lab.tuning import OutcomeMatrix, Terms, gate, tune
from autopicker_lab.tuning.clusters import are_few, clustered_error, numbered, quantile
from autopicker_lab.tuning.grouping import OFF, TEMPLATE, copies, count, group_prompts
from autopicker_lab.tuning.metrics import bootstrap, interval_of

TEMPLATES = ("Is invoice {} overdue? Answer yes or no.", "Add up the positions of order {} for the customer.")


def of_templates(n: int = 120, templates: tuple[str, ...] = TEMPLATES) -> pd.DataFrame:
    """Prompts of few templates: numbers of seven digits are hard for the small model, those of two for none."""
    random = np.random.default_rng(3)
    rows = []
    for i in range(n):
        hard = bool(random.random() < 0.5)
        number = random.integers(10**6, 10**7) if hard else f"{random.integers(9)} {i}"
        for model, chance, usd in zip(MODELS, (0.05 if hard else 0.97, 0.96), (0.001, 0.01), strict=True):
            score = float(random.random() < chance)
            prompt = templates[i % len(templates)].format(number)
            rows.append(
                {
                    "prompt_id": str(i),
                    "prompt": prompt,
                    "model": model,
                    "score": score,
                    "cost_usd": usd,
                    "task": prompt[:2],
                }
            )
    return pd.DataFrame(rows)


def test_copies_differ_in_case_space_and_closing_marks_alone() -> None:
    assert count(copies(["Hello there", " hello  THERE!", "hello there…"])) == 1
    assert count(copies(["What is 2 + 2?", "What is 2 - 2?", "What is 2 + 3?"])) == 3
    assert count(copies(["?", "!", ""])) == 3


def test_auto_takes_few_templates_for_those_that_will_be_met_and_asks() -> None:
    texts = [TEMPLATES[i % 2].format(1000 + i) for i in range(120)]
    found = group_prompts(texts)
    assert found.others is not None
    assert (found.assumed, count(found.groups), count(found.others)) == (OFF, 120, 2)
    assert "Will you meet new templates, or these?" in found.note
    assert group_prompts(texts, TEMPLATE)[1:] == (TEMPLATE, None, "")
    many = [f"{text} {i}" for text in words(60) for i in range(3)]
    found = group_prompts(many)
    assert found.others is not None
    assert (found.assumed, count(found.groups), count(found.others)) == (TEMPLATE, 60, 180)
    assert group_prompts(words(60))[1:] == (TEMPLATE, None, "")
    with pytest.raises(InvalidRequestError, match="no groups 'some'"):
        group_prompts(texts, "some")


def words(n: int) -> list[str]:
    """Texts with no word in common."""
    return [" ".join(chr(97 + i // 26) + chr(97 + i % 26) + chr(97 + k) for k in range(8)) for i in range(n)]


@pytest.mark.slow
def test_what_decides_within_templates_is_learned_and_both_estimates_are_told() -> None:
    found = tune(of_templates(), folds=2)
    assert found.verdict.pays
    these, new = found.by_groups
    assert (these.requests, these.assumed, these.groups) == ("these templates", True, 120)
    assert (new.requests, new.groups, new.pays) == ("new templates", 2, False)
    assert new.share.value == 0  # of two templates nothing can be learned that is sure to hold for a third
    assert any("Will you meet new templates" in warning for warning in found.warnings)
    assert found.to_dict()["by_groups"][1]["requests"] == "new templates"
    assert found.policy.stamp["groups"] == OFF


def test_two_templates_are_little_evidence_and_one_is_none() -> None:
    found = tune(of_templates(), folds=2, groups="template")
    assert found.outcomes.different == 2
    assert not found.verdict.pays
    assert not found.by_groups
    with pytest.raises(InvalidRequestError, match="one template"):
        tune(of_templates(templates=TEMPLATES[:1]), groups="template")
    with pytest.raises(InvalidRequestError, match="one alone is left"):
        tune(of_templates(), folds=2, groups="template", promise=Terms(0.1))


def test_prompts_of_one_template_are_tuned_for_that_one() -> None:
    found = OutcomeMatrix.from_table(of_templates(templates=TEMPLATES[:1]))
    assert found.assumed == OFF
    assert found.by_the_other() is None  # nothing can be said of new ones
    assert "of 1 template: " in " ".join(found.notes)


def test_the_gate_opens_for_a_gain_that_no_unmet_request_could_eat() -> None:
    served = RoutePolicy("cheap", (Tier(0.0, 0.0),), {MODELS[0]: 0.5, MODELS[1]: 0.9})
    better = RoutePolicy("good", (Tier(0.0, 0.8),), {MODELS[0]: 0.5, MODELS[1]: 0.9})
    result = gate(OutcomeMatrix.from_table(of_templates(), groups="off"), served, better)
    assert result.different * result.margin < 3  # too few for a gain of nothing
    assert result.passed
    both = gate(OutcomeMatrix.from_table(of_templates()), served, better)
    assert both.passed
    assert not both.other.passed
    assert "For new templates: keep" in both.verdict


def mean_of(values: Any, rows: Any) -> float:
    return float(values[rows].mean())


@pytest.mark.parametrize(("groups", "spread"), [(3, 1.0), (8, 1.0), (8, 3.0)])
def test_intervals_of_few_groups_cover(groups: int, spread: float) -> None:
    """Of 200 tables at least 180 intervals of 95 % hold the truth; resampled groups do so in 140 to 170."""
    random = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        sizes = np.maximum(random.lognormal(2, spread / 2, groups).astype(int), 2)
        which = np.repeat(np.arange(groups), sizes)
        values = random.normal(0, 1, groups)[which] + random.normal(0, 1, len(which))
        found = interval_of(bootstrap(partial(mean_of, values), len(values), groups=which))
        assert found is not None
        held += found.low <= 0 <= found.high
    assert held >= 180


def test_errors_of_few_groups_are_by_leaving_out_and_of_many_as_ever() -> None:
    values = np.random.default_rng(0).random((2, 400))
    many, few = np.arange(400) // 2, np.arange(400) // 100
    assert not are_few(many)
    assert are_few(few)
    assert quantile(0.975, many) == pytest.approx(1.96, abs=1e-3)
    assert quantile(0.975, few) == pytest.approx(3.18, abs=1e-2)  # Student's t with 3 degrees of freedom
    means = values[0].reshape(4, 100).mean(1)
    assert clustered_error(values, few)[0] == pytest.approx(means.std(ddof=1) / 2)
    assert clustered_error(values, np.zeros(400, int)).tolist() == [np.inf, np.inf]


@pytest.mark.parametrize(
    "groups",
    [
        np.array([3, 0, 3, 7, 0, 3]),
        np.array([10**12, 5, 10**12]),
        np.array([-1, 4, -1]),
        np.array(["b", "a", "b"]),
        np.zeros(4, int),
        np.array([], int),
    ],
)
def test_groups_are_counted_as_sorting_would(groups: Any) -> None:
    _, at, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    found = numbered(groups)
    assert found[0].tolist() == at.tolist()
    assert found[1].tolist() == sizes.tolist()
