"""The loop on live traffic: exploration, signals, shadow, deployments and canaries (see README.md)."""

from autopicker_lab.live.audit import open_audit
from autopicker_lab.live.canary import CanaryReport, Guardrails
from autopicker_lab.live.deployments import Deployments, canary_report
from autopicker_lab.live.exploration import drawn
from autopicker_lab.live.pairs import agreement, paired

__all__ = ["CanaryReport", "Deployments", "Guardrails", "agreement", "canary_report", "drawn", "open_audit", "paired"]
