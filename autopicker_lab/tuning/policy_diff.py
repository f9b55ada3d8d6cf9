"""What changes from one policy to another, for a review: keys, prompts that change sides, quality and cost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError, ModelSpec
from autopicker_lab.core.text import clip
from autopicker_lab.routing import ANSWER_TOKENS, as_policy
from autopicker_lab.routing.policies import policy_text
from autopicker_lab.tuning.matrix import OutcomeMatrix
from autopicker_lab.tuning.release_gate import gate
from autopicker_lab.tuning.whatif import Comparison, compare, compare_on

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from autopicker_lab.core import RoutePolicy
    from autopicker_lab.tuning.metrics import Interval

_UNREVIEWED = ("format", "id", "card", "stamp", "edges", "shares", "reference", "estimator")  # measured, or arrays
_SHOWN = 70  # characters of a prompt


@dataclass(frozen=True)
class KeyChange:
    """A key of the policy file whose value changed; None where it is left out."""

    key: str
    before: Any
    after: Any


@dataclass(frozen=True)
class PolicyDiff:
    """What changes from one policy to another.

    Attributes:
        keys: what decides or is promised, as in the files; an estimator by its fingerprint.
        sides: the example prompts under both.
        gain: of mean score, saving: of the share of cost, by measured outcomes with 95 % intervals; None without any.
        warning: why these may be too good.
    """

    old: str
    new: str
    keys: tuple[KeyChange, ...]
    sides: Comparison
    gain: Interval | None = None
    saving: Interval | None = None
    warning: str = ""

    def to_dict(self) -> dict[str, Any]:
        """One JSON object, of the example prompts those that change sides."""
        changed = [{"prompt": c.prompt, "before": c.before, "after": c.after, "why": c.why} for c in self.sides.changed]
        return {
            "old": self.old,
            "new": self.new,
            "keys": [asdict(change) for change in self.keys],
            "prompts": len(self.sides.requests),
            "changed": changed,
            "gain": self.gain and asdict(self.gain),
            "saving": self.saving and asdict(self.saving),
            "warning": self.warning,
        }

    def to_text(self, examples: int = 8) -> str:
        """A page to review, with so many examples of prompts that change sides."""
        lines = [f"--- {self.old}", f"+++ {self.new}"]
        for change in self.keys:
            lines += [f"- {change.key}: {_json(change.before)}"] * (change.before is not None)
            lines += [f"+ {change.key}: {_json(change.after)}"] * (change.after is not None)
        lines += [] if self.keys else ["nothing that decides has changed"]
        changed = self.sides.changed
        lines.append(f"{len(changed):,} of {len(self.sides.requests):,} example prompts change sides")
        lines += [f"  {c.before} > {c.after}: {clip(' '.join(c.prompt.split()), _SHOWN)}" for c in changed[:examples]]
        if self.gain is not None:
            lines.append(f"mean score {self.gain.value:+.3f} [{self.gain.low:+.3f}, {self.gain.high:+.3f}]")
        if self.saving is not None:
            lines.append(f"cost saved {self.saving}")
        return "\n".join(lines + [f"note: {self.warning}"] * bool(self.warning))


def diff(
    old: RoutePolicy | str | Path,
    new: RoutePolicy | str | Path,
    outcomes: OutcomeMatrix | pd.DataFrame | str | Path | None = None,
    *,
    prompts: Sequence[str] = (),
    seed: int = 0,
) -> PolicyDiff:
    """Compare two policies, or the files of them.

    Args:
        outcomes: of their models on prompts that neither was fitted on, for quality and cost; its prompts are the
            examples. None: what `prompts` get, by the policies' own figures of their models.

    Raises:
        InvalidRequestError: see load_policy and OutcomeMatrix.from_table; or neither outcomes nor prompts.
    """
    old, new = as_policy(old), as_policy(new)
    keys = _changes(_reviewed(old), _reviewed(new))
    if outcomes is None:
        if not prompts:
            raise InvalidRequestError("nothing to compare the policies on", "give outcomes, or prompts")
        return PolicyDiff(old.id, new.id, keys, compare(prompts, _specs(old, new), old, new))
    matrix = outcomes if isinstance(outcomes, OutcomeMatrix) else OutcomeMatrix.from_table(outcomes, seed=seed)
    found = gate(matrix, old, new, seed=seed)
    sides = compare_on(matrix, old, new)
    return PolicyDiff(old.id, new.id, keys, sides, found.quality, found.saving, found.warning)


def _reviewed(policy: RoutePolicy) -> dict[str, Any]:
    """The keys of the file that a person reviews, those of mappings one by one."""
    body = json.loads(policy_text(policy))
    flat: dict[str, Any] = {}
    for key, value in body.items():
        if key not in _UNREVIEWED:
            flat |= _flat(key, value)
    if policy.estimator is not None:
        flat["estimator"] = f"{policy.estimator.fingerprint} of {', '.join(policy.estimator.models)}"
    return flat


def _flat(key: str, value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {name: each for k, v in value.items() for name, each in _flat(f"{key}.{k}", v).items()}
    return {key: value}


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[KeyChange, ...]:
    keys = dict.fromkeys([*before, *after])
    return tuple(KeyChange(key, before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key))


def _specs(*policies: RoutePolicy) -> list[ModelSpec]:
    """Stand-ins for the models that policies know, the later ones first, with their quality and mean cost."""
    found: dict[str, ModelSpec] = {}
    for policy in reversed(policies):
        for name in policy.estimator.models if policy.estimator else policy.qualities:
            price = 1e6 / ANSWER_TOKENS * policy.costs.get(name, 0.0)
            quality = policy.qualities.get(name, 0.5)
            found.setdefault(name, ModelSpec(name, "local", context_window=2**31, quality=quality, price_out=price))
    if not found:
        raise InvalidRequestError("neither policy knows a model", "give outcomes of the models (--outcomes TABLE)")
    return list(found.values())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
