"""HELM's grades of each instance, with the prompts and the model that stand in other files of the run's folder.

Source: crfm-helm 0.5, `helm-run` (per_instance_stats.json, scenario_state.json) and `helm-summarize`
(display_predictions.json, display_requests.json, run_spec.json), which is all that its public leaderboards publish.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from autopicker_lab.tuning.imports.documents import Content

_LEADERS = (
    "exact_match",
    "quasi_exact_match",
    "final_number_exact_match",
    "chain_of_thought_correctness",
    "math_equiv_chain_of_thought",
    "math_equiv",
    "ifeval_strict_accuracy",
    "wildbench_score_rescaled",
    "omni_math_accuracy",
    "prefix_exact_match",
    "quasi_prefix_exact_match",
    "f1_score",
    "rouge_2",
    "bleu_4",
)  # the grades that leaderboards show
_NO_GRADE = re.compile(
    r"num_.*|.*_tokens?|.*_cost|.*runtime|.*_emissions|.*_time|finish_reason_.*|batch_size|max_prob|prompt_truncated|"
    r"predicted_index|logprob|(.*_)?perplexity|bits_per_byte|.*@\d+"
)
_Key = tuple[str, int]  # an instance, and which examples it was shown with
_Asked = dict[_Key, dict[str, Any]]


def helm(content: Content) -> list[dict[str, Any]]:
    """Rows of a run of HELM; instances that were perturbed are left out.

    Raises:
        InvalidRequestError: the file has the prompts without the grades, or those that it needs are not beside it.
    """
    head, folder = content.first, content.path.absolute().parent
    if "request_states" in head or {"instance_id", "request"} <= head.keys():
        grades = "per_instance_stats.json" if "request_states" in head else "display_predictions.json"
        raise InvalidRequestError(f"'{content.path.name}' holds what HELM asked, and no grades", f"name the {grades}")
    if not {"instance_id", "stats"} <= head.keys():
        return []
    shown = isinstance(head["stats"], dict)
    asked, model = _displayed(folder) if shown else _stated(folder)
    task, rows = folder.name.split(":")[0], []
    for record in content.records:
        request = asked.get(_key(record["instance_id"], record))
        if request is None or record.get("perturbation"):
            continue
        stats = record["stats"] if shown else _means(record["stats"])
        rows.append(
            {
                "prompt_id": f"{task}/{record['instance_id']}",
                "prompt": _prompt(request),
                "model": model,
                "scores": _grades(stats),
                "task": task,
                "prompt_tokens": stats.get("num_prompt_tokens"),
                "completion_tokens": stats.get("num_completion_tokens") or stats.get("num_output_tokens"),
                "latency_s": stats.get("inference_runtime"),
            }
        )
    return rows


def _stated(folder: Path) -> tuple[_Asked, str]:
    """The requests of a run, and its model, by scenario_state.json."""
    found = _beside(folder, "scenario_state.json")
    asked: _Asked = {}
    for state in found["request_states"]:
        if state["instance"].get("perturbation") is None and state.get("request_mode") != "calibration":
            asked.setdefault(_key(state["instance"]["id"], state), _of_all_references(state))
    return asked, str(found["adapter_spec"]["model"])


def _of_all_references(state: dict[str, Any]) -> dict[str, Any]:
    """A request; where each possible answer was a request of its own, what all of them had in common: the question."""
    if state.get("reference_index") is None:
        request: dict[str, Any] = state["request"]
        return request
    return {"prompt": state["instance"]["input"]["text"]}


def _displayed(folder: Path) -> tuple[_Asked, str]:
    """The same by the files of `helm-summarize`."""
    requests, spec = _beside(folder, "display_requests.json"), _beside(folder, "run_spec.json")
    asked: _Asked = {}
    for each in requests:
        if each.get("perturbation") is None:
            asked.setdefault(_key(each["instance_id"], each), each["request"])
    return asked, str(spec["adapter_spec"]["model"])


def _beside(folder: Path, name: str) -> Any:
    try:
        return json.loads((folder / name).read_text("utf-8"))
    except (OSError, ValueError):
        detail = f"what HELM asked, and whom, stands in {name} of the same run"
        raise InvalidRequestError(detail, f"keep all files of a run in one folder (looked in {folder})") from None


def _key(instance: Any, of: Mapping[str, Any]) -> _Key:
    return str(instance), int(of.get("train_trial_index") or 0)


def _prompt(request: Mapping[str, Any]) -> Any:
    """Messages or a text; of a request with pictures its texts."""
    if asked := request.get("messages") or request.get("prompt"):
        return asked
    media = (request.get("multimodal_prompt") or {}).get("media_objects") or ()
    return "\n".join(str(each["text"]) for each in media if each.get("text"))


def _means(stats: list[dict[str, Any]]) -> dict[str, Any]:
    return {s["name"]["name"]: s["mean"] for s in stats if s["name"].get("perturbation") is None and "mean" in s}


def _grades(stats: Mapping[str, Any]) -> dict[str, Any]:
    """What is a grade, those of leaderboards first."""
    others = [name for name in stats if name not in _LEADERS and not _NO_GRADE.fullmatch(name)]
    return {name: stats[name] for name in (*_LEADERS, *others) if name in stats}
