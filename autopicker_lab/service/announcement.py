"""What the service says before it starts: address, models, policy, who may come in, where decisions go."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from autopicker_lab import __version__
from autopicker_lab.core import StorageError
from autopicker_lab.core.addresses import public_address
from autopicker_lab.live import Deployments, open_audit
from autopicker_lab.routing import load_policy
from autopicker_lab.storage import KeyFile

if TYPE_CHECKING:
    from autopicker_lab.settings import Settings


def announcement(settings: Settings, host: str, port: int, workers: int = 1) -> str:
    """Describe the service that is about to start: lines of text, or one JSON object where LOG_FORMAT is json."""
    where = f"http://{f'[{host}]' if ':' in host else host}:{port or 'a free port'}"
    processes = f" in {workers} processes" if workers > 1 else ""
    title = f"autopicker {__version__} serves {where}{processes}, documented at /docs"
    facts = {
        "models": _models(settings),
        "policy": _policy(settings),
        "access": _access(settings),
        "decisions": _decisions(settings),
    }
    if settings.log_format == "json":
        return json.dumps({"level": "INFO", "logger": __name__, "message": title, **facts}, ensure_ascii=False)
    return "\n".join([title, *(f"  {name:10} {text}" for name, text in facts.items())])


def _models(settings: Settings) -> str:
    names = ", ".join(spec.id for spec in settings.catalogue())
    if settings.autopicker_demo:
        return f"{names}: their recorded answers to the questions of data/outcomes are replayed"
    return names if settings.models else f"{names}, and what else {public_address(settings.ollama_host)} has"


def _policy(settings: Settings) -> str:
    if deployed := _deployed(settings):
        return f"{deployed}, deployed (`autopicker deployments`)"
    if settings.autopicker_policy is None:
        return "no policy: by price and tier (AUTOPICKER_POLICY names one)"
    return f"{load_policy(settings.autopicker_policy).id}, of {settings.autopicker_policy}"


def _deployed(settings: Settings) -> str:
    """The id of the policy that was deployed; "" for none, or where its store does not answer."""
    try:
        return Deployments(open_audit(settings)).state().stable
    except StorageError:
        return ""


def _access(settings: Settings) -> str:
    file = KeyFile(settings.keys_path)
    keys = file.keys()
    doors = ["the key of API_KEY"] if settings.api_key else []
    if file.exists or settings.api_keys_file:
        doors.append(f"{len(keys)} key{'s'[: len(keys) != 1]} of {file.path}")
    return " and ".join(doors) or "open to whoever reaches this address (`autopicker keys create NAME` closes it)"


def _decisions(settings: Settings) -> str:
    if settings.decision_log is None:
        return "kept in memory, the last ten thousand (DECISION_LOG names a file)"
    prompts = "with" if settings.decision_log_prompts else "without"
    return f"logged in {settings.decision_log}, {prompts} the questions"
