"""Whether decisions survive rewording, and words that were searched for: estimates beside length and the default score.

Half of a table is fitted, prompts of the other half are reworded. Every router sends the upper half of them up.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autopicker_lab import assets
from autopicker_lab.benchmark.routing import LITELLM, litellm_classifier
from autopicker_lab.core.figures import axes
from autopicker_lab.core.show import BLUE, GREEN, GREY, ORANGE, frame
from autopicker_lab.routing.estimator import estimate_each
from autopicker_lab.tuning import OutcomeMatrix, fitting
from autopicker_lab.tuning.baselines import heuristic_scores
from autopicker_lab.tuning.novelty import with_novelty
from autopicker_lab.tuning.variants import VARIANTS, variants_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    Array = Any
    Scorer = Callable[[Sequence[str]], Array]

LEARNED, LENGTH, DEFAULT = "learned", "length", "default score"
_COLOURS = {LEARNED: BLUE, LENGTH: ORANGE, DEFAULT: GREY, LITELLM: GREEN}
_WORD = re.compile(r"[^\W\d_]{4,}")
_SUFFIX = 10  # words
_SEARCHED_ON = 40  # prompts


@dataclass(frozen=True, eq=False)
class HeldOutPrompts:
    """Prompts that no fit saw, and what ranks them.

    Attributes:
        texts: the prompts.
        scorers: by router, scores of some texts, shape (n,); the greater ones go up.
        is_new: whether a text is unlike all that was fitted, so that the incumbent is kept.
        incumbent_is_strong: whether the strong model is the incumbent, the best one of the fitted half.
    """

    texts: tuple[str, ...]
    scorers: Mapping[str, Scorer]
    is_new: Callable[[str], bool] = field(default=lambda text: False)
    incumbent_is_strong: bool = True

    @classmethod
    def of(cls, outcomes: OutcomeMatrix, sample: int = 200, seed: int = 0) -> HeldOutPrompts:
        """Up to `sample` prompts of one half, ranked by a fit of the other half, by length and by the default score.

        And by LiteLLM's heuristic, where that is installed.
        """
        import numpy as np

        train, test = fitting.grouped_folds(outcomes.groups, 2, seed)[0]
        fitted = outcomes.at(train)
        prompts = fitting.prepare_to_fit(fitted.questions, fitted.groups, seed)
        estimator = with_novelty(fitting.fit(prompts, fitted.scores, fitted.models, seed), prompts, seed)

        def gains(texts: Sequence[str]) -> Array:
            estimates = estimate_each(estimator, texts)
            return estimates[:, outcomes.strong] - estimates[:, outcomes.weak]

        def lengths(texts: Sequence[str]) -> Array:
            return np.array([len(text) for text in texts], float)

        rows = np.random.default_rng(seed).permutation(test)[:sample]
        texts = tuple(outcomes.at(np.sort(rows)).questions)
        scorers: dict[str, Scorer] = {LEARNED: gains, LENGTH: lengths, DEFAULT: heuristic_scores}
        if (classify := litellm_classifier()) is not None:
            scorers[LITELLM] = lambda texts: np.array([classify(text)[1] for text in texts])
        weak, strong = fitted.pair_scores
        return cls(texts, scorers, estimator.is_unfamiliar, bool(strong.mean() >= weak.mean()))

    def agreement(self, seed: int = 0) -> pd.DataFrame:
        """Share of the prompts that a rewording leaves on their side, a row for each router and kind of rewording."""
        import numpy as np

        reworded = [variants_of(text, seed) for text in self.texts]
        rows = []
        for router, scorer in self.scorers.items():
            usual = scorer(self.texts)
            limit = float(np.median(usual))
            for kind in VARIANTS:
                scores = scorer([row[kind] for row in reworded])
                same = float(((scores > limit) == (usual > limit)).mean())
                rows.append({"router": router, "rewording": kind, "n": len(self.texts), "same": same})
        return frame(rows)

    def by_language(self, questions: Mapping[str, Sequence[str]] | None = None) -> pd.DataFrame:
        """Share that goes up of the same questions in several languages, where half of the prompts do.

        A row for each router and language; what is new to the fit keeps the incumbent, as `new` says for the fit.

        Args:
            questions: by language; None: the project's twenty in twelve.
        """
        import numpy as np

        if questions is None:
            questions = json.loads((assets.outcomes() / "questions_by_language.json").read_text("utf-8"))
        rows = []
        for router, scorer in self.scorers.items():
            limit = float(np.median(scorer(self.texts)))
            for language, texts in questions.items():
                new = np.array([router == LEARNED and self.is_new(text) for text in texts])
                up = np.where(new, self.incumbent_is_strong, scorer(texts) > limit)
                shares = {"n": len(texts), "up": float(up.mean()), "new": float(new.mean())}
                rows.append({"router": router, "language": language, **shares})
        return frame(rows)

    def searched_words(self, tries: int = 100) -> pd.DataFrame:
        """What ten words at the end move, found by trying frequent words of the prompts on some, measured on the rest.

        A row for each router and direction: share that goes up as it is, and with the words.
        """
        import numpy as np

        counts = Counter(word for text in self.texts for word in set(_WORD.findall(text.lower())))
        words = [word for word, _ in counts.most_common(tries)]
        few = min(_SEARCHED_ON, len(self.texts) // 2)
        searched, rest = self.texts[:few], self.texts[few:]
        rows = []
        for router, scorer in self.scorers.items():
            limit = float(np.median(scorer(self.texts)))
            usual = scorer(searched).mean()
            effects = np.array([scorer(_with(searched, word)).mean() - usual for word in words])
            for direction, order in (("up", np.argsort(-effects)), ("down", np.argsort(effects))):
                suffix = " ".join(words[i] for i in order[:_SUFFIX])
                shares = [float((scorer(texts) > limit).mean()) for texts in (rest, _with(rest, suffix))]
                rows.append({"router": router, "direction": direction, "as it is": shares[0], "with words": shares[1]})
        return frame(rows).assign(moved=lambda found: (found["with words"] - found["as it is"]).abs())


def _with(texts: Sequence[str], words: str) -> list[str]:
    return [f"{text} {words}" for text in texts]


def plot_agreement(agreement: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Agreement by kind of rewording, a marker for each router."""
    target = axes(ax, (6.5, 4.0))
    kinds = list(VARIANTS)[::-1]
    for router, found in agreement.groupby("router", sort=False):
        same = found.set_index("rewording")["same"].reindex(kinds)
        target.plot(same, range(len(kinds)), "o", color=_COLOURS[str(router)], label=router)
    target.set_yticks(range(len(kinds)), kinds)
    target.axvline(0.9, color=GREY, lw=0.8)
    target.set(xlabel="share of prompts with the same choice", xlim=(0, 1.02))
    target.legend(frameon=False)
    return target
