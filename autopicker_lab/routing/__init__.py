"""From complexity to a model, with every candidate and its reason."""

from autopicker_lab.routing.policies import default_policy, load_policy, policy_text, save_policy
from autopicker_lab.routing.router import (
    ANSWER_TOKENS,
    AUTO,
    Requirements,
    choose,
    is_local,
    named,
    permitted,
    unknown_models,
)

__all__ = [
    "ANSWER_TOKENS",
    "AUTO",
    "Requirements",
    "choose",
    "default_policy",
    "is_local",
    "load_policy",
    "named",
    "permitted",
    "policy_text",
    "save_policy",
    "unknown_models",
]
