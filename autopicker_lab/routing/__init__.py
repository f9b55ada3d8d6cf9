"""From complexity to a model, with every candidate and its reason."""

from autopicker_lab.routing.choose import ANSWER_TOKENS, AUTO, Needs, choose, is_local, named, permitted, unknown_models
from autopicker_lab.routing.policies import default_policy, load_policy, policy_text, save_policy

__all__ = [
    "ANSWER_TOKENS",
    "AUTO",
    "Needs",
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
