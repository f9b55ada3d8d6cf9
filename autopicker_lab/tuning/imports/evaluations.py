"""What evaluation tools write: lm-evaluation-harness, inspect_ai, promptfoo, OpenAI evals, LLMRouterBench.

Each reader takes a file's content and gives rows with the keys of `Outcome`, or none where a file is not of its kind.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from autopicker_lab.tuning.imports.documents import Content

Rows = list[dict[str, Any]]
_LETTERS = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}  # of inspect_ai: correct, incorrect, partial, no answer
_PROMPTFOO_ERROR = 2  # the model failed; an answer that fails its assertions is 1
_PROMPTFOO_CSV = {"Status", "Score", "Named Scores", "Grader Reason", "Comment"}
_ATTACHED = "attachment://"
_METRICS = ("exact_match", "quasi_exact_match", "acc", "acc_norm", "pass@1", "em", "f1", "quasi_prefix_exact_match")
_SAMPLES = re.compile(r"samples_(?P<task>.+?)(_\d{4}-\d\d-\d\dT[\d.:-]+)?\.jsonl")


def lm_eval(content: Content) -> Rows:
    """Samples of lm-evaluation-harness (`--log_samples`): a file a model and task; the folder tells the model."""
    if not {"doc_id", "doc", "filtered_resps"} <= set(content.first):
        return []
    named = _SAMPLES.match(content.path.name.removesuffix(".gz"))
    task, model = named["task"] if named else content.path.stem, _lm_eval_model(content.path)
    filters = {record.get("filter") for record in content.records}
    rows: dict[Any, dict[str, Any]] = {}
    seen: Counter[Any] = Counter()
    for record in content.records:  # those of other filters are the same answers, read in another way
        row = rows.setdefault(
            record["doc_id"],
            {
                "prompt_id": f"{task}/{record['doc_id']}",
                "prompt": _lm_eval_prompt(record),
                "model": model,
                "scores": {},
                "task": task,
            },
        )
        seen[record["doc_id"]] += 1
        read = record.get("filter") or seen[record["doc_id"]]  # before 0.4.7 it is not said which one
        told = f",{read}" if len(filters) > 1 or (read != 1 and "filter" not in record) else ""
        row["scores"] |= {f"{name}{told}": record[name] for name in _metrics(record, record.get("metrics", _METRICS))}
    return list(rows.values())


def _lm_eval_model(path: Path) -> str:
    """As the file of results beside it says, else the name of its folder."""
    for results in sorted(path.parent.glob("results_*.json"), reverse=True):
        try:
            found = json.loads(results.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if not isinstance(found, dict):
            continue
        named = bool((found.get("config") or {"model_args": True}).get("model_args"))  # else it was named by chance
        if name := found.get("model_name" if named else "model_source") or found.get("model_name"):
            return str(name)
    return path.absolute().parent.name.replace("__", "/")


def _lm_eval_prompt(record: dict[str, Any]) -> Any:
    arguments = record.get("arguments")
    if isinstance(arguments, dict):
        arguments = [list(each.values()) for each in arguments.values() if isinstance(each, dict)]
    if isinstance(arguments, list) and arguments and isinstance(arguments[0], list) and arguments[0]:
        prompt = arguments[0][0]
        return prompt[0] if isinstance(prompt, list) and prompt and isinstance(prompt[0], str) else prompt
    return json.dumps(record["doc"], ensure_ascii=False, sort_keys=True)


def _metrics(record: dict[str, Any], named: Iterable[str]) -> list[str]:
    """The names of what was measured as a number, those that are grades for sure first."""
    names = [name for name in named if isinstance(record.get(name), int | float)]
    return [name for name in _METRICS if name in names] + [name for name in names if name not in _METRICS]


def inspect_ai(content: Content) -> Rows:
    """A log of inspect_ai, `.json` or `.eval`."""
    if content.members is not None:
        header = content.members.get("header.json") or content.members.get("_journal/start.json")
        samples = [each for name, each in sorted(content.members.items()) if name.startswith("samples/")]
    else:
        header, samples = content.whole, content.first.get("samples") or []
    if not isinstance(header, dict) or not isinstance(header.get("eval"), dict) or "model" not in header["eval"]:
        return []
    task, model = str(header["eval"].get("task", "")), str(header["eval"]["model"])
    return [_inspect_row(sample, task, model) for sample in samples]


def _inspect_row(sample: dict[str, Any], task: str, model: str) -> dict[str, Any]:
    kept = sample.get("attachments") or {}  # long texts, which stand elsewhere in the sample
    asked = _asked(sample) or _attached(sample["input"], kept)
    if isinstance(asked, list):
        asked = [{"role": m["role"], "content": _attached(m.get("content") or "", kept)} for m in asked]
    used = (sample.get("model_usage") or {}).get(model) or {}
    return {
        "prompt_id": f"{task}/{sample['id']}",
        "prompt": asked,
        "model": model,
        "scores": dict(_inspect_scores(sample.get("scores") or {})),
        "task": task,
        "cost_usd": used.get("total_cost"),
        "prompt_tokens": _sum(used, "input_tokens", "input_tokens_cache_read", "input_tokens_cache_write"),
        "completion_tokens": used.get("output_tokens"),
        "latency_s": sample.get("total_time"),
    }


def _asked(sample: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages that the model was first asked with: what solvers made of a sample's input, choices say."""
    messages = [m for m in sample.get("messages") or () if isinstance(m, dict) and "role" in m]
    return list(takewhile(lambda m: m["role"] != "assistant" or m.get("source") == "input", messages))


def _inspect_scores(scores: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, scorer in scores.items():
        value = scorer.get("value") if isinstance(scorer, dict) else scorer
        for part, each in value.items() if isinstance(value, dict) else (("", value),):
            grade = _LETTERS.get(each, each) if isinstance(each, str) else each
            yield f"{name}/{part}" if part else name, grade


def _sum(used: dict[str, Any], *names: str) -> int | None:
    return sum(used.get(name) or 0 for name in names) if names[0] in used else None


def _attached(text: Any, kept: dict[str, str]) -> Any:
    return (
        kept.get(text.removeprefix(_ATTACHED), text) if isinstance(text, str) and text.startswith(_ATTACHED) else text
    )


def promptfoo(content: Content) -> Rows:
    """Results of promptfoo (`--output results.json`, `.yaml` or `.jsonl`).

    Raises:
        InvalidRequestError: its CSV, which has no prompts, but what was filled into them.
    """
    if content.table is not None and set(content.table) >= _PROMPTFOO_CSV:
        detail = f"'{content.path.name}' is a CSV of promptfoo, which does not hold the prompts"
        raise InvalidRequestError(detail, "export JSON: promptfoo export eval EVAL_ID -o results.json (or latest)")
    results = content.first.get("results")
    if isinstance(results, dict):
        results = results.get("results")
    if {"promptIdx", "testIdx"} <= content.first.keys():
        results = list(content.records)
    if (
        not isinstance(results, list)
        or not results
        or not all(isinstance(r, dict) and "provider" in r for r in results)
    ):
        return []
    return [_promptfoo_row(result) for result in results]


def _promptfoo_row(result: dict[str, Any]) -> dict[str, Any]:
    provider, prompt = result["provider"], result.get("prompt")
    model = (provider.get("label") or provider.get("id")) if isinstance(provider, dict) else provider
    raw = prompt.get("raw") if isinstance(prompt, dict) else prompt
    reply = result.get("response") if isinstance(result.get("response"), dict) else {}
    used, latency = (reply or {}).get("tokenUsage") or {}, result.get("latencyMs")
    cached = bool((reply or {}).get("cached"))  # it cost nothing, and came at once, this time
    return {
        "prompt_id": "",
        "prompt": raw if isinstance(raw, str) else None,
        "model": model,
        "scores": _promptfoo_scores(result),
        "cost_usd": None if cached else result.get("cost") or None,
        "prompt_tokens": used.get("prompt"),
        "completion_tokens": used.get("completion"),
        "latency_s": None if latency is None or cached else latency / 1000,
    }


def _promptfoo_scores(result: dict[str, Any]) -> dict[str, Any]:
    """Its score, then those that have a name; none where its model failed, or nothing was asserted, called right."""
    graded, case = result.get("gradingResult"), result.get("testCase")
    asserted = isinstance(case, dict) and bool(case.get("assert"))
    unasked = isinstance(graded, dict) and isinstance(case, dict) and not (asserted or graded.get("componentResults"))
    if unasked or result.get("failureReason") == _PROMPTFOO_ERROR:
        return {}
    score = result.get("score")
    whole = float(bool(result.get("success"))) if score is None else score
    return {"score": whole, **(result.get("namedScores") or {})}


def openai_evals(content: Content) -> Rows:
    """Events of OpenAI's evals: what was asked, and whether the answer matched or which score it got."""
    spec = content.first.get("spec")
    if not isinstance(spec, dict) or not (model := _evals_model(spec)):
        return []
    task = str(spec.get("base_eval") or spec.get("eval_name", ""))
    asked: dict[str, dict[str, Any]] = {}
    scores: dict[str, dict[str, Any]] = {}
    for record in content.records:
        sample, data = str(record.get("sample_id")), record.get("data")
        if isinstance(data, dict) and record.get("type") == "sampling":
            asked.setdefault(sample, data)  # what a model that grades is asked comes later
        elif isinstance(data, dict) and record.get("type") in ("match", "metrics"):
            known = scores.setdefault(sample, {})
            known |= {name: grade for name, grade in _evals_grades(data) if name not in known}
    if scores and not asked:
        detail = f"'{content.path.name}' says how answers were graded, and not what was asked: no sampling events"
        raise InvalidRequestError(detail, "evaluate by a completion function that records them, as those of models do")
    return [
        {
            "prompt_id": f"{task}/{sample}",
            "prompt": data.get("prompt"),
            "model": model,
            "scores": scores[sample],
            "task": task,
            "prompt_tokens": (data.get("usage") or {}).get("prompt_tokens"),
            "completion_tokens": (data.get("usage") or {}).get("completion_tokens"),
        }
        for sample, data in asked.items()
        if scores.get(sample)
    ]


def _evals_model(spec: dict[str, Any]) -> str:
    """The model that was evaluated, in any version's words."""
    names = spec.get("completion_fns") or (spec.get("model_names") or {}).get("completions") or spec.get("model_name")
    return str(names[0] if isinstance(names, list) else names or "")


def _evals_grades(data: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """A match, the usual names of scores first, and whatever else is a number, or true or false."""
    for name in dict.fromkeys(("correct", "score", "accuracy", *_METRICS, *data)):
        if isinstance(data.get(name), bool | int | float):
            yield name, data[name]


def openai_output_items(content: Content) -> Rows:
    """Output items of a run of OpenAI's Evals API, as a list, a line each, or pages as the API answers them."""
    listed = [item for each in content.records for item in (_page_items(each) or (each,))]
    items = [each for each in listed if isinstance(each, dict) and each.get("object") == "eval.run.output_item"]
    return [_output_row(item, item.get("sample") or {}) for item in items]


def _page_items(record: dict[str, Any]) -> list[Any]:
    """What a page of the API's lists holds; nothing of a record that is none."""
    items = record.get("data") if record.get("object") == "list" else None
    return items if isinstance(items, list) else []


def _output_row(item: dict[str, Any], sample: dict[str, Any]) -> dict[str, Any]:
    results, used = [r for r in item.get("results") or () if isinstance(r, dict)], sample.get("usage") or {}
    failed = bool((sample.get("error") or {}).get("message"))
    grades = {
        str(r.get("name", i)): r["score"] if r.get("score") is not None else r.get("passed")
        for i, r in enumerate(results)
    }
    return {
        "prompt_id": f"{item.get('eval_id', '')}/{item.get('datasource_item_id', '')}",
        "prompt": sample.get("input") or None,
        "model": sample.get("model"),
        "scores": {} if failed else grades,
        "prompt_tokens": used.get("prompt_tokens"),
        "completion_tokens": used.get("completion_tokens"),
    }


def llmrouterbench(content: Content) -> Rows:
    """Results of LLMRouterBench: a model's records on one data set."""
    head = content.first
    records = head.get("records")
    if "model_name" not in head or not isinstance(records, list):
        return []
    task = str(head.get("dataset_name", ""))
    return list(_bench_rows(records, task, str(head["model_name"])))


def _bench_rows(records: list[dict[str, Any]], task: str, model: str) -> Iterator[dict[str, Any]]:
    for i, record in enumerate(records):
        yield {
            "prompt_id": f"{task}/{record.get('index', i)}",
            "prompt": record.get("origin_query") or record.get("prompt"),
            "model": model,
            "score": record.get("score"),
            "task": task,
            "cost_usd": record.get("cost"),
            "prompt_tokens": record.get("prompt_tokens"),
            "completion_tokens": record.get("completion_tokens"),
        }
