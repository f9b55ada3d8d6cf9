"""RouterArena's submission of a policy: which model it gives each prompt of the benchmark, and the configuration.

Lu et al., "RouterArena", 2025, https://arxiv.org/abs/2510.00202; the files are those that its repository documents in
`router_inference/`. Its own scripts ask the models and grade.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from autopicker_lab.complexity import score
from autopicker_lab.core import ChatRequest, InvalidRequestError
from autopicker_lab.routing import Requirements, as_policy, choose
from autopicker_lab.runtime.atomic_write import atomic_write

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from autopicker_lab.core import ModelSpec, RoutePolicy

_INDEX, _ANSWER_TOKENS = "global index", 256
_UNMADE = ("generated_result", "cost", "accuracy")  # what RouterArena fills in


def submission(
    dataset: Sequence[dict[str, Any]], policy: RoutePolicy | str | Path, specs: Sequence[ModelSpec]
) -> list[dict[str, Any]]:
    """A prediction for each entry of RouterArena's data set, in its order, by the policy over a catalogue.

    Raises:
        InvalidRequestError: an entry without index or prompt. ModelUnavailableError: no model can take a prompt.
    """
    policy, rows = as_policy(policy), []
    for i, entry in enumerate(dataset):
        prompt = entry.get("prompt_formatted") or entry.get("prompt")
        index = entry.get(_INDEX) or entry.get("global_index")
        if not isinstance(prompt, str) or not index:
            hint = "name RouterArena's dataset/router_data.json or router_data_10.json"
            raise InvalidRequestError(f"entry {i + 1} has no '{_INDEX}' or no prompt", hint)
        request = ChatRequest.of(prompt)
        requirements = Requirements(request.token_count, _ANSWER_TOKENS)
        route = choose(score(request), specs, policy, requirements, question=request.question)
        rows.append({_INDEX: index, "prompt": prompt, "prediction": route.model} | dict.fromkeys(_UNMADE))
    return rows


def write_submission(
    dataset: Path, policy: RoutePolicy | str | Path, specs: Sequence[ModelSpec], folder: Path, name: str
) -> tuple[Path, Path]:
    """Write `predictions/NAME.json` and `config/NAME.json` into a folder, each whole or not at all; their paths.

    Raises:
        InvalidRequestError: a data set that is none, or no such folder; see submission.
    """
    try:
        entries = json.loads(dataset.expanduser().read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidRequestError(f"cannot read '{dataset}': {error!s:.120}", "name a JSON file") from None
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidRequestError(f"'{dataset}' is no list of entries", "name RouterArena's dataset/router_data.json")
    if not folder.expanduser().is_dir():
        raise InvalidRequestError(f"there is no folder '{folder}'", "RouterArena's own is router_inference/")
    rows = submission(entries, policy, specs)
    models = sorted({row["prediction"] for row in rows} | {spec.id for spec in specs if spec.chats})
    config = {"pipeline_params": {"router_name": name, "router_cls_name": name, "models": models}}
    return _written(folder, "predictions", name, rows), _written(folder, "config", name, config)


def _written(folder: Path, kind: str, name: str, content: Any) -> Path:
    path = folder.expanduser() / kind / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    with atomic_write(path) as scratch:
        scratch.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", "utf-8")
    return path
