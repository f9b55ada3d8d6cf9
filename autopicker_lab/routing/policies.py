"""Policy files: one readable JSON object each; the default one ships in the package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

from autopicker_lab.core import InvalidRequestError, RoutePolicy, Tier

FORMAT = 1


def default_policy() -> RoutePolicy:
    """The policy that needs no data: the transparent heuristic and three tiers."""
    return _parse(json.loads(files(__package__).joinpath("default_policy.json").read_text("utf-8")), "default")


def load_policy(path: str | Path) -> RoutePolicy:
    """Read a policy file; InvalidRequestError names what is wrong with it."""
    try:
        raw = json.loads(Path(path).expanduser().read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequestError(f"cannot read the policy '{path}': {error}", "check the path") from None
    except json.JSONDecodeError as error:
        detail = f"the policy '{path}' is not JSON at line {error.lineno}: {error.msg}"
        raise InvalidRequestError(detail, "save it again from the tuning notebook") from None
    return _parse(raw, str(path))


def save_policy(policy: RoutePolicy, path: str | Path) -> Path:
    """Write a policy file whole or not at all, and return its path."""
    target = Path(path).expanduser()
    scratch = target.with_name(target.name + ".part")
    body = {
        "format": FORMAT,
        "id": policy.id,
        "scorer": policy.scorer,
        "local_only": policy.local_only,
        "tiers": [{"min_score": t.min_score, "min_quality": t.min_quality} for t in policy.tiers],
        "qualities": dict(policy.qualities),
        "stamp": dict(policy.stamp),
    }
    scratch.write_text(json.dumps(body, indent=2, ensure_ascii=False) + "\n", "utf-8")
    scratch.replace(target)
    return target


def _parse(raw: object, where: str) -> RoutePolicy:
    if not isinstance(raw, Mapping):
        raise InvalidRequestError(f"the policy '{where}' is not a JSON object", "start from the default policy")
    version = raw.get("format")
    if not isinstance(version, int) or version > FORMAT:
        detail = f"the policy '{where}' has format {version!r}; this version reads up to {FORMAT}"
        raise InvalidRequestError(detail, "upgrade autopicker-lab, or save the policy again with this version")
    try:
        tiers = tuple(Tier(float(t["min_score"]), float(t["min_quality"])) for t in raw["tiers"])
        qualities = {str(k): float(v) for k, v in (raw.get("qualities") or {}).items()}
        policy = RoutePolicy(
            id=str(raw["id"]),
            tiers=tiers,
            qualities=qualities,
            scorer=str(raw.get("scorer", "heuristic-1")),
            local_only=bool(raw.get("local_only", False)),
            stamp=_mapping(raw.get("stamp")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidRequestError(f"the policy '{where}' lacks or misspells {error}", "see the README") from None
    ascending = all(a.min_score < b.min_score for a, b in pairwise(tiers))
    if not tiers or tiers[0].min_score != 0 or not ascending:
        detail = f"the tiers of the policy '{where}' must start at score 0 and ascend"
        raise InvalidRequestError(detail, "correct min_score")
    return policy


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
