"""Policy files: one JSON object each, its head for people, the arrays of an estimator at the end.

Each key is explained in tuning/README.md.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

from autopicker_lab.complexity import SCORER
from autopicker_lab.core import Cascade, Guard, InvalidRequestError, RoutePolicy, Tier
from autopicker_lab.routing.signals import check_signal
from autopicker_lab.runtime.atomic_write import atomic_write

FORMAT = 2
ON_DRIFT = ("keep", "incumbent")
UNFAMILIAR = ("incumbent", "default", "estimate")
_LARGEST = 2**28  # bytes
_FINGERPRINT = re.compile(r"-[0-9a-f]{8}$")


def default_policy() -> RoutePolicy:
    """The policy that needs no data: the transparent heuristic and three tiers."""
    return _parse(json.loads(files(__package__).joinpath("default_policy.json").read_text("utf-8")), "default")


def load_policy(path: str | Path) -> RoutePolicy:
    """Read a policy file, or the default policy by the name "default"; InvalidRequestError names what is wrong."""
    if str(path) == "default":
        return default_policy()
    if not str(path).strip():
        raise InvalidRequestError("no policy was named", "give the path of its file, or default")
    source = Path(path).expanduser()
    try:
        if source.stat().st_size > _LARGEST:
            raise InvalidRequestError(f"'{path}' is too large for a policy", "check the path")
        text = source.read_text("utf-8")
    except OSError as error:
        raise InvalidRequestError(f"cannot read the policy '{path}': {error.strerror}", "check the path") from None
    except UnicodeDecodeError as error:
        raise InvalidRequestError(f"cannot read the policy '{path}': {error}", "check the path") from None
    return parse_policy(text, str(path))


def parse_policy(text: str, where: str) -> RoutePolicy:
    """The policy in the text of its file, which errors call `where`; InvalidRequestError names what is wrong."""
    try:
        raw = json.loads(text)
    except RecursionError as error:
        raise InvalidRequestError(f"cannot read the policy '{where}': {error}", "check the path") from None
    except json.JSONDecodeError as error:
        detail = f"the policy '{where}' is not JSON at line {error.lineno}: {error.msg}"
        raise InvalidRequestError(detail, "save it again from the tuning notebook") from None
    except ValueError as error:  # a number of thousands of digits
        raise InvalidRequestError(f"cannot read the policy '{where}': {error}", "tune again") from None
    return _parse(raw, where)


def as_policy(policy: RoutePolicy | str | Path) -> RoutePolicy:
    """A policy that is given as it is, or by the path of its file; see load_policy."""
    return policy if isinstance(policy, RoutePolicy) else load_policy(policy)


def save_policy(policy: RoutePolicy, path: str | Path) -> Path:
    """Write a policy file whole or not at all, and return its path."""
    target = Path(path).expanduser()
    if not target.name or not target.parent.is_dir():
        raise InvalidRequestError(f"cannot save a policy as '{path}'", "name a file in a folder that exists")
    text = policy_text(policy)
    with atomic_write(target) as scratch:
        scratch.write_text(text, "utf-8")
    return target


def policy_text(policy: RoutePolicy) -> str:
    """What a policy file holds: JSON."""
    body: dict[str, Any] = {
        "format": FORMAT,
        "name": policy.name,
        "id": policy.id,
        **({"promise": dict(policy.promise)} if policy.promise else {}),
        "card": dict(policy.card),
        "scorer": policy.scorer,
        "local_only": policy.local_only,
        "max_cost_usd": policy.max_cost_usd,
        "tiers": [{"min_score": t.min_score, "min_quality": t.min_quality} for t in policy.tiers],
        "qualities": dict(policy.qualities),
        "pair": list(policy.pair) if policy.pair else None,
        "by_tiers": policy.by_tiers,
        "cost_weight": policy.cost_weight,
        "costs": dict(policy.costs),
        "cost_unit": policy.cost_unit,
        **({"guard": {**vars(policy.guard), "errors": dict(policy.guard.errors)}} if policy.guard else {}),
        "on_drift": policy.on_drift,
        **({"unfamiliar": policy.unfamiliar} if policy.unfamiliar != "estimate" else {}),
        **({"cascade": policy.cascade.to_dict()} if policy.cascade else {}),
        **({"by_task": {task: dict(added) for task, added in policy.by_task.items()}} if policy.by_task else {}),
        "edges": list(policy.edges),
        "shares": list(policy.shares),
        **({"reference": dict(policy.reference)} if policy.reference else {}),
        "stamp": dict(policy.stamp),
        "estimator": policy.estimator and policy.estimator.to_dict(),
    }
    entries = [f"  {_json(key)}: {_value_text(key, value)}" for key, value in body.items()]
    return "{\n" + ",\n".join(entries) + "\n}\n"


def vocabulary_key() -> str:
    """The secret that vocabularies of policy files are hashed with, VOCABULARY_KEY of the settings; "" for none."""
    from autopicker_lab.settings import Settings

    key = Settings.load().vocabulary_key
    return key.get_secret_value() if key else ""


def _value_text(key: str, value: Any) -> str:
    """One line for a value, so that the head fits on a screen; one for each entry of the card and of the estimator."""
    if key in ("card", "estimator") and value:
        entries = (f"    {_json(name)}: {_json(entry)}" for name, entry in value.items())
        return "{\n" + ",\n".join(entries) + "\n  }"
    return _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _parse(raw: object, where: str) -> RoutePolicy:
    if not isinstance(raw, Mapping):
        raise InvalidRequestError(f"the policy '{where}' is not a JSON object", "start from the default policy")
    version = raw.get("format")
    if version is None:
        raise InvalidRequestError(f"'{where}' is no policy", "name a file that was saved by tuning")
    if not isinstance(version, int) or version > FORMAT:
        detail = f"the policy '{where}' has format {version!r}; this version reads up to {FORMAT}"
        raise InvalidRequestError(detail, "upgrade autopicker-lab, or save the policy again with this version")
    if raw.get("scorer") != SCORER:
        detail = f"the policy '{where}' was made for scorer {raw.get('scorer')!r}, this version scores by {SCORER!r}"
        raise InvalidRequestError(detail, "tune again, or adjust its tiers and then its 'scorer'")
    try:
        policy = _policy(raw)
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise InvalidRequestError(
            f"the policy '{where}' lacks or misspells {error}", "see autopicker_lab/tuning/README.md"
        ) from None
    _check(policy, where)
    return policy


def _policy(raw: Mapping[str, Any]) -> RoutePolicy:
    estimator = None
    if raw.get("estimator") is not None:
        from autopicker_lab.routing.estimator import read_estimator

        hashed = "vocabulary" in raw["estimator"]
        estimator = read_estimator(raw["estimator"], vocabulary_key() if hashed else "")
    pair = raw.get("pair")
    limit = raw.get("max_cost_usd")
    return RoutePolicy(
        name=str(raw["name"]) if "name" in raw else _FINGERPRINT.sub("", str(raw["id"])),  # version 0.1 wrote ids alone
        tiers=tuple(Tier(_number(t["min_score"]), _number(t["min_quality"])) for t in raw["tiers"]),
        qualities=_numbers(raw.get("qualities")),
        scorer=str(raw["scorer"]),
        local_only=_flag(raw.get("local_only", False)),
        max_cost_usd=None if limit is None else _number(limit),
        estimator=estimator,
        pair=(str(pair[0]), str(pair[1])) if pair else None,
        by_tiers=_flag(raw.get("by_tiers", False)),
        cost_weight=_number(raw.get("cost_weight", 0.0)),
        costs=_numbers(raw.get("costs")),
        cost_unit=str(raw.get("cost_unit", "usd")),
        guard=_guard(raw.get("guard")),
        by_task={str(task): _numbers(added) for task, added in (raw.get("by_task") or {}).items()},
        edges=tuple(_number(edge) for edge in raw.get("edges") or ()),
        shares=tuple(_number(share) for share in raw.get("shares") or ()),
        reference=_mapping(raw.get("reference")),
        on_drift=str(raw.get("on_drift", "keep")),
        unfamiliar=str(raw.get("unfamiliar", "estimate")),
        promise=_mapping(raw.get("promise")),
        cascade=_cascade(raw["cascade"]) if raw.get("cascade") is not None else None,
        card=_mapping(raw.get("card")),
        stamp=_mapping(raw.get("stamp")),
    )


def _cascade(raw: Mapping[str, Any]) -> Cascade:
    values, right, gains = (tuple(_number(value) for value in raw[name]) for name in ("values", "right", "gains"))
    defaults = Cascade("", "", "", (), (), ())
    return Cascade(
        first=str(raw["first"]),
        then=str(raw["then"]),
        signal=str(raw["signal"]),
        values=values,
        right=right,
        gains=gains,
        prompt_weight=_number(raw.get("prompt_weight", defaults.prompt_weight)),
        least_gain=_number(raw.get("least_gain", defaults.least_gain)),
        always=_flag(raw.get("always", defaults.always)),
        max_tokens=int(_number(raw.get("max_tokens", defaults.max_tokens))),
        max_s=_number(raw.get("max_s", defaults.max_s)),
    )


def _check_cascade(cascade: Cascade, where: str) -> None:
    check_signal(cascade.signal)
    lengths = {len(cascade.values), len(cascade.right), len(cascade.gains)}
    if len(lengths) > 1 or not cascade.values or not all(a < b for a, b in pairwise(cascade.values)):
        detail = f"the cascade of the policy '{where}' needs ascending values, each with its right and its gain"
        raise InvalidRequestError(detail, "tune again")
    if cascade.first == cascade.then or not 0 <= cascade.prompt_weight <= 1:
        detail = f"the cascade of the policy '{where}' needs two models, and a prompt_weight from 0 to 1"
        raise InvalidRequestError(detail, "correct it, or tune again")
    if cascade.max_tokens < 1 or cascade.max_s <= 0:
        detail = f"max_tokens and max_s of the cascade of the policy '{where}' must be greater than 0"
        raise InvalidRequestError(detail, "correct them")


def _check(policy: RoutePolicy, where: str) -> None:
    if policy.cascade is not None:
        _check_cascade(policy.cascade, where)
    ascending = all(a.min_score < b.min_score for a, b in pairwise(policy.tiers))
    if not policy.tiers or policy.tiers[0].min_score != 0 or not ascending:
        detail = f"the tiers of the policy '{where}' must start at score 0 and ascend"
        raise InvalidRequestError(detail, "correct min_score")
    if policy.cost_weight < 0 or (policy.max_cost_usd is not None and policy.max_cost_usd < 0):
        detail = f"cost_weight and max_cost_usd of the policy '{where}' may not be negative"
        raise InvalidRequestError(detail, "correct them")
    if policy.guard is not None and min(policy.guard.z, *policy.guard.errors.values(), 0.0) < 0:
        raise InvalidRequestError(f"the guard of the policy '{where}' may not be negative", "correct its z and errors")
    if policy.on_drift not in ON_DRIFT:
        detail = f"the policy '{where}' has on_drift {policy.on_drift!r}"
        raise InvalidRequestError(detail, f"known: {', '.join(ON_DRIFT)}")
    if policy.unfamiliar not in UNFAMILIAR:
        detail = f"the policy '{where}' has unfamiliar {policy.unfamiliar!r}"
        raise InvalidRequestError(detail, f"known: {', '.join(UNFAMILIAR)}")
    if not all(a < b for a, b in pairwise(policy.edges)):
        raise InvalidRequestError(f"the edges of the policy '{where}' must ascend", "tune again, or empty them")
    if policy.shares and len(policy.shares) != len(policy.edges) + 1:
        detail = f"the policy '{where}' needs one share more than it has edges"
        raise InvalidRequestError(detail, "tune again, or empty both")
    if policy.reference and not _is_reference(policy):
        raise InvalidRequestError(f"the reference of the policy '{where}' is damaged", "tune again, or leave it out")
    if policy.estimator is not None and policy.pair and not set(policy.pair) <= set(policy.estimator.models):
        detail = f"the pair of the policy '{where}' is not among its estimator's models"
        raise InvalidRequestError(detail, f"choose two of {', '.join(policy.estimator.models)}")


def _is_reference(policy: RoutePolicy) -> bool:
    """Whether drift can be measured against what a file says of it: numbers, and shares that fit the edges."""
    known = policy.reference
    try:
        parts = [(part["edges"], part["shares"]) for part in known.get("features", {}).values()]
        if "seen" in known:
            parts.append((policy.edges, known["seen"]))
        return _number(known.get("prompts", 1)) > 0 and all(
            len(shares) == len(edges) + 1 and min(map(_number, shares)) >= 0 and list(edges) == sorted(edges)
            for edges, shares in parts
        )
    except (LookupError, TypeError, ValueError, AttributeError):
        return False


def _guard(raw: Mapping[str, Any] | None) -> Guard | None:
    return None if raw is None else Guard(str(raw["incumbent"]), _number(raw["z"]), _numbers(raw["errors"]))


def _number(value: Any) -> float:
    if isinstance(value, bool) or not math.isfinite(float(value)):
        raise ValueError(f"{value!r} for a number")
    return float(value)


def _numbers(value: Any) -> dict[str, float]:
    return {str(name): _number(number) for name, number in (value or {}).items()}


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} for true or false")
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
