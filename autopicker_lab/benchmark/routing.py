"""What benchmarks/routing.ipynb measures beside quality: times of decisions and sliders, baselines to be beaten."""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab import assets
from autopicker_lab.complexity import score
from autopicker_lab.core import ChatRequest, InvalidRequestError, ModelSpec, RoutePolicy, Tier
from autopicker_lab.routing import Requirements, choose
from autopicker_lab.tuning import TuningReport, apgr, fitting, paraphrase_stability
from autopicker_lab.tuning.curve import cost_quality_curve
from autopicker_lab.tuning.fitting import grouped_folds
from autopicker_lab.tuning.judging import conclude
from autopicker_lab.tuning.matrix import USD, OutcomeMatrix

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

LITELLM = "LiteLLM's heuristic"
SENTENCE = "Why is the sky blue? Explain step by step how light scatters in the air, please do. "
LENGTHS = (84, 17_000, 170_000, 1_700_000)


def named_tables(tables: str, own: bool = True) -> list[tuple[str, str, str]]:
    """Path, strong and weak model of each table of a benchmark's parameters.

    Args:
        tables: "FILE,STRONG,WEAK;FILE,STRONG,WEAK;...".
        own: begin with the outcomes that come with the project.

    Raises:
        InvalidRequestError: an entry of another form, or no table at all.
    """
    named = [(str(assets.outcomes() / "outcomes.jsonl"), "qwen2.5-coder-0.5b", "smollm2-135m")] if own else []
    for entry in filter(None, map(str.strip, tables.split(";"))):
        parts = [part.strip() for part in entry.split(",")]
        if len(parts) != 3 or not all(parts):
            example = '-p "tables=outcomes.csv,gpt-4,mixtral-8x7b;more.parquet,large,small"'
            raise InvalidRequestError(f"'{entry}' does not name a file and two models", f"write {example}")
        named.append((parts[0], parts[1], parts[2]))
    if not named:
        raise InvalidRequestError("there is no table to measure", "name one with tables=, or leave own=True")
    return named


def table_names(named: Sequence[tuple[str, str, str]]) -> list[str]:
    """A name of its own for each entry of `named_tables`: its file's, its path where that is taken, then its models."""
    names: list[str] = []
    for path, strong, weak in named:
        pair = f"{path}: {strong} over {weak}"
        candidates = (Path(path).name.split(".")[0], path, pair, *(f"{pair} ({k})" for k in range(2, len(named) + 1)))
        names.append(next(name for name in candidates if name not in names))
    return names


def decision_times(
    policies: Sequence[RoutePolicy], lengths: Sequence[int] = LENGTHS, rounds: int = 200
) -> pd.DataFrame:
    """Microseconds of a whole decision (score, estimates, choice) by length of the prompt, one row each.

    Each question is asked once, in words that were read before. `least_us` is of the quickest, which other work on the
    machine disturbed least, `median_us` of all.

    LiteLLM's complexity heuristic is timed in turn with ours in the same process where it is installed
    (`uv run --with litellm autopicker bench routing`), else its rows are missing.
    """
    import pandas

    deciders = {policy.id: _decider(policy) for policy in policies}
    peer = litellm_classifier()
    if peer is not None:
        deciders[LITELLM] = peer
    rows = []
    for length in lengths:
        text = SENTENCE * (length // len(SENTENCE) + 1)
        times: dict[str, list[float]] = {name: [] for name in deciders}
        for i in range(rounds if length < 10**5 else max(rounds // 10, 3)):
            for k, (name, decide) in enumerate(deciders.items()):
                if name == LITELLM and length > 10**5:
                    continue  # seconds each
                question = f"{text[: length - 12]} {i}, {k}?"[:length]
                started_at = time.perf_counter()
                decide(question)
                times[name].append(time.perf_counter() - started_at)
        rows += [
            {
                "decider": name,
                "characters": length,
                "least_us": round(1e6 * min(durations), 1),
                "median_us": round(1e6 * statistics.median(durations), 1),
            }
            for name, durations in times.items()
            if durations
        ]
    return pandas.DataFrame(rows)


def capitals_stability(report: TuningReport) -> float | None:
    """Share of pairs of the project's questions for one capital, in three languages, that are sent the same way.

    Half of the prompts go up; see metrics.paraphrase_stability.
    """
    import numpy as np
    import pandas

    questions = pandas.read_json(assets.outcomes() / "questions.jsonl", lines=True).set_index("prompt_id")
    questions = questions.loc[list(report.outcomes.ids)]
    capitals = (questions["task"] == "capitals").to_numpy()
    sent_up = (report.scores >= np.median(report.scores)).astype(int)
    return paraphrase_stability(sent_up[capitals], questions["answer"].astype(str).to_numpy()[capitals])


def random_report(prompts: int = 10_000, models: int = 10, seed: int = 0) -> TuningReport:
    """A report on random outcomes of so many prompts and models, with estimates that are nearly right."""
    import numpy as np

    random = np.random.default_rng(seed)
    names = tuple(f"model {i}" for i in range(models))
    chances = np.clip(np.linspace(0.3, 0.9, models) - random.uniform(0, 0.5, (prompts, 1)), 0, 1)
    scores = (random.random(chances.shape) < chances).astype(float)
    costs = np.geomspace(1e-4, 1e-2, models) * random.uniform(0.5, 1.5, (prompts, 1))
    estimates = np.clip(chances + random.normal(0, 0.05, chances.shape), 0, 1)
    numbers = tuple(str(i) for i in range(prompts))
    tasks, groups = np.full(prompts, ""), np.arange(prompts)
    outcomes = OutcomeMatrix(numbers, numbers, tasks, names, scores, costs, USD, models - 1, 0, groups)
    curve = cost_quality_curve(estimates, scores, costs)
    qualities, prices = (dict(zip(names, table.mean(0).tolist(), strict=True)) for table in (scores, costs))
    weight = float(curve.weights[len(curve.weights) // 2])
    policy = RoutePolicy("made up", (Tier(0.0, 0.0),), qualities, costs=prices, cost_weight=weight)
    gains = estimates[:, -1] - estimates[:, 0]
    verdict = conclude(outcomes, None, None, None, 0.0)
    return TuningReport(
        outcomes, gains, None, None, None, None, None, {}, verdict, estimates=estimates, curve=curve, policy=policy
    )


def redraw_ms(panel: Any, steps: int = 40) -> float:
    """Median milliseconds from a move of a ThresholdPanel's sliders to its new picture and table, in this process."""
    times = []
    for step in range(steps):
        started_at = time.perf_counter()
        if step % 2:
            panel.thresholds.value = (float(45 + step / 2), float(55 + step / 2))
        else:
            panel.weight.value = step % len(panel.weight.options)
        times.append(time.perf_counter() - started_at)
    return round(1000 * statistics.median(times), 2)


def _decider(policy: RoutePolicy) -> Callable[[str], object]:
    names = policy.estimator.models if policy.estimator else ("small", "middle", "large")
    specs = [
        ModelSpec(name, "local", context_window=2**31, quality=(i + 1) / len(names)) for i, name in enumerate(names)
    ]

    def decide(text: str) -> object:
        request = ChatRequest.of(text)
        return choose(score(request), specs, policy, Requirements(request.token_count), question=text)

    decide("warm up")
    return decide


def litellm_classifier() -> Callable[[str], tuple[object, float, object]] | None:
    """LiteLLM's heuristic: tier, score and signals of a text; None where it is not installed."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or it waits for a download
    try:
        from litellm.router_strategy.complexity_router.complexity_router import ComplexityRouter
    except ImportError:
        return None
    tiers = {"SIMPLE": "small", "MEDIUM": "middle", "COMPLEX": "middle", "REASONING": "large"}
    router = ComplexityRouter("auto", None, {"tiers": tiers})
    classify: Callable[[str], tuple[object, float, object]] = router.classify
    classify("warm up")
    return classify


def ridge_baselines(report: TuningReport, folds: int = 5, seed: int = 0) -> dict[str, float | None]:
    """APGR, out of fold, of the ridge regressions of gain (penalty 1) that a learned estimate must beat.

    On wordllama's mean embeddings, and on tf-idf of words and pairs of words, both as scikit-learn makes them.
    """
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline

    outcomes = report.outcomes
    prompts = fitting.prepare_to_fit(outcomes.questions, outcomes.groups)
    texts = np.array(outcomes.prompts, object)
    weak, strong = outcomes.pair_scores
    kinds: dict[str, tuple[Any, Array]] = {
        "ridge on embeddings": (Ridge(1.0), prompts.vectors),
        "ridge on tf-idf": (make_pipeline(TfidfVectorizer(ngram_range=(1, 2), min_df=2), Ridge(1.0)), texts),
    }
    values: dict[str, float | None] = {}
    for name, (model, inputs) in kinds.items():
        order = np.zeros(len(outcomes))
        for train, test in grouped_folds(prompts.groups, folds, seed):
            order[test] = model.fit(inputs[train], outcomes.gains[train]).predict(inputs[test])
        values[name] = apgr(order, weak, strong)
    return values
