"""From complexity to a model: the router, the one rule it decides by, policies and their files, estimators."""

from autopicker_lab.routing.policies import (
    ON_DRIFT,
    UNFAMILIAR,
    as_policy,
    default_policy,
    load_policy,
    policy_text,
    save_policy,
)
from autopicker_lab.routing.requirements import ANSWER_TOKENS, Requirements, is_local
from autopicker_lab.routing.router import (
    AUTO,
    choose,
    permitted_models,
    route_to_named_model,
    unknown_models,
)

__all__ = [
    "ANSWER_TOKENS",
    "AUTO",
    "ON_DRIFT",
    "UNFAMILIAR",
    "Requirements",
    "as_policy",
    "choose",
    "default_policy",
    "is_local",
    "load_policy",
    "permitted_models",
    "policy_text",
    "route_to_named_model",
    "save_policy",
    "unknown_models",
]
