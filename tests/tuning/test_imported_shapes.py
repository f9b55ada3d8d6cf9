"""Files of HELM, OpenAI's evals and tracing, in the shapes that their tools wrote when they were run.

HELM is crfm-helm 0.5 (`helm-run` and `helm-summarize` on its model simple/model1), evals 3.0.1 with its own recorder,
and the spans are those of opentelemetry-instrumentation-openai 0.62, -openai-v2 2.3b0 and
openinference-instrumentation-openai, as OTLP and as Python's console exporter writes them. The Evals API's items,
grades as log records, and Java's lines without a wrapper are built from their documentation.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.tuning.imports import import_outcomes

ASKED = ("Is 60 even or odd?", "Is 38 even or odd?")
SAID = [{"role": "system", "content": "Answer with a word."}, {"role": "user", "content": ASKED[0]}]


def written(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = value if isinstance(value, str) else json.dumps(value, indent=2)
    path.write_text(text, "utf-8")
    return path


def lines(records: Any) -> str:
    return "\n".join(map(json.dumps, records))


# HELM


def stat(name: str, mean: float, **more: Any) -> dict[str, Any]:
    return {"name": {"name": name, "split": "test", **more}, "count": 1, "sum": mean, "mean": mean, "stddev": 0.0}


def helm_run(tmp_path: Path, **state: Any) -> Path:
    """A run of two instances, the first of which was perturbed as well, and perturbed comes last."""
    typos = {"name": "typos", "robustness": True}
    stats = [
        {"instance_id": f"id{i}", "train_trial_index": 0,
         "stats": [stat("num_references", 2.0), stat("ifeval_strict_accuracy", 1.0 - i), stat("num_prompt_tokens", 9.0),
                   stat("inference_runtime", 0.25), stat("max_prob", 0.4), stat("finish_reason_stop", 1.0)]}
        for i in range(2)
    ]  # fmt: skip
    stats.append(
        {**stats[0], "perturbation": typos, "stats": [stat("ifeval_strict_accuracy", 0.0, perturbation=typos)]}
    )
    asked = [(f"id{i}", prompt, None) for i, prompt in enumerate(ASKED)] + [("id0", "Iss 60 evn or od?", typos)]
    states = [
        {"instance": {"id": name, "input": {"text": prompt}, **({"perturbation": how} if how else {})},
         "train_trial_index": 0, "request": {"model": "simple/model1", "prompt": prompt}, **state}
        for name, prompt, how in asked
    ]  # fmt: skip
    folder = tmp_path / "parity:model=simple_model1"
    adapter = {"adapter_spec": {"method": "generation", "model": "simple/model1"}}
    written(folder / "scenario_state.json", {**adapter, "request_states": states})
    written(folder / "run_spec.json", {"name": folder.name, **adapter})
    requests = [
        {
            "instance_id": name,
            "train_trial_index": 0,
            "request": {"prompt": prompt},
            **({"perturbation": how} if how else {}),
        }
        for name, prompt, how in asked
    ]
    written(folder / "display_requests.json", requests)
    shown = [
        {"instance_id": f"id{i}", "predicted_text": "Even", "train_trial_index": 0,
         "stats": {"num_prompt_tokens": 9, "quasi_exact_match": 1.0 - i}}
        for i in range(2)
    ]  # fmt: skip
    written(folder / "display_predictions.json", shown)
    return written(folder / "per_instance_stats.json", stats)


@pytest.mark.parametrize("name", ["per_instance_stats.json", "display_predictions.json"])
def test_a_run_of_helm_by_either_of_its_files(tmp_path: Path, name: str) -> None:
    table = import_outcomes(helm_run(tmp_path).with_name(name)).table
    rows = table[["prompt", "model", "score", "task", "prompt_tokens"]].to_numpy().tolist()
    assert rows == [[p, "simple/model1", 1.0 - i, "parity", 9.0] for i, p in enumerate(ASKED)]


def test_where_each_answer_was_a_request_the_question_is_what_they_share(tmp_path: Path) -> None:
    path = helm_run(tmp_path, reference_index=1, request={"prompt": "Question: ... Answer: odd"})
    assert import_outcomes(path).table["prompt"].tolist() == list(ASKED)


@pytest.mark.parametrize(
    ("name", "says"),
    [("scenario_state.json", r"name the per_instance_stats\.json"), ("display_requests.json", "display_predictions")],
)
def test_the_prompts_of_helm_alone_name_the_file_with_the_grades(tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"(?i){says}"):
        import_outcomes(helm_run(tmp_path).with_name(name))


def test_grades_of_helm_without_their_prompts_name_the_file_that_is_missing(tmp_path: Path) -> None:
    path = helm_run(tmp_path).with_name("display_predictions.json")
    path.with_name("run_spec.json").unlink()
    with pytest.raises(InvalidRequestError, match=r"run_spec\.json of the same run"):
        import_outcomes(path)


# OpenAI


def evals_log(*events: tuple[str, str, dict[str, Any]], **spec: Any) -> str:
    """A log as the recorder writes it: the report comes before the events that are flushed at the end."""
    head = {
        "spec": {"eval_name": "parity.s1", "base_eval": "parity", **(spec or {"completion_fns": ["gpt-3.5-turbo"]})}
    }
    said = [
        {"run_id": "r", "event_id": i, "sample_id": sample, "type": kind, "data": data}
        for i, (sample, kind, data) in enumerate(events)
    ]
    return lines([head, {"final_report": {"accuracy": 0.5}, "run_id": "r"}, *said])


def test_a_log_of_evals_graded_by_a_model(tmp_path: Path) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 1, "total_tokens": 8, "prompt_tokens_details": None}
    log = evals_log(
        ("s.0", "sampling", {"prompt": SAID, "sampled": ["Even"], "usage": usage}),
        ("s.0", "sampling", {"prompt": "Is this answer right?", "sampled": ["Y"]}),
        ("s.0", "metrics", {"choice": "Y", "score": 1.0}),
        ("s.1", "sampling", {"prompt": ASKED[1], "sampled": ["Odd"]}),
        ("s.1", "match", {"correct": False, "expected": "even", "picked": None}),
        ("s.1", "metrics", {"accuracy": 0.0, "score": 0.0}),
    )
    table = import_outcomes(written(tmp_path / "log.jsonl", log)).table
    assert table["score"].tolist() == [1.0, 0.0]
    assert json.loads(table["prompt"][0]) == SAID
    assert table["prompt_tokens"].tolist()[0] == 7


@pytest.mark.parametrize(
    "spec", [{"model_name": "old"}, {"model_name": None, "model_names": {"completions": ["old"], "embeddings": []}}]
)
def test_logs_of_the_first_versions_of_evals(tmp_path: Path, spec: dict[str, Any]) -> None:
    log = evals_log(("0", "sampling", {"prompt": ASKED[0]}), ("0", "match", {"correct": True}), **spec)
    assert import_outcomes(written(tmp_path / "log.jsonl", log)).table["model"].tolist() == ["old"]


def test_grades_without_what_was_asked_say_so(tmp_path: Path) -> None:
    log = written(tmp_path / "log.jsonl", evals_log(("0", "match", {"correct": True})))
    with pytest.raises(InvalidRequestError, match="no sampling events"):
        import_outcomes(log)


def test_output_items_of_the_evals_api(tmp_path: Path) -> None:
    def item(i: int, **result: Any) -> dict[str, Any]:
        usage = {"prompt_tokens": 7, "completion_tokens": 1, "total_tokens": 8, "cached_tokens": 0}
        sample = {
            "input": [{"role": "user", "content": ASKED[i]}],
            "model": "gpt-4o-mini",
            "usage": usage,
            "error": None,
        }
        kept = {"object": "eval.run.output_item", "eval_id": "e", "datasource_item_id": i, "status": "pass"}
        return {**kept, "results": [{"name": "even", "sample": None, **result}], "sample": sample}

    both = [item(0, passed=True, score=1.0), item(1, passed=False)]
    page: dict[str, Any] = {"object": "list", "data": both, "has_more": False}
    pages = lines([{**page, "data": [each]} for each in both])
    for name, text in (("page.json", page), ("items.jsonl", lines(both)), ("pages.jsonl", pages)):
        found = import_outcomes(written(tmp_path / name, text))
        assert list(found.formats.values()) == ["OpenAI Evals API"]
        assert found.table[["model", "score", "prompt_tokens"]].to_numpy().tolist() == [
            ["gpt-4o-mini", 1.0, 7],
            ["gpt-4o-mini", 0.0, 7],
        ]


# LLMRouterBench


def test_a_result_of_llmrouterbench_with_all_its_fields(tmp_path: Path) -> None:
    records: list[dict[str, Any]] = [
        {"index": i + 1, "origin_query": asked, "prompt": f"Answer with a word.\n{asked}", "prompt_tokens": 9,
         "completion_tokens": 1, "cost": 0.002, "score": score, "prediction": "Even", "ground_truth": "Even",
         "raw_output": {"choices": []}, "extra_fields": {}}
        for i, (asked, score) in enumerate(zip((*ASKED, "Is 7?"), (1.0, 0.0, None), strict=True))
    ]  # fmt: skip
    head = {
        "performance": 0.5,
        "time_taken": 3.0,
        "prompt_tokens": 18,
        "completion_tokens": 2,
        "cost": 0.004,
        "counts": 3,
    }
    more = {"model_name": "Qwen3-8B", "dataset_name": "parity", "split": "test", "demo": False, "extra_metrics": {}}
    path = written(tmp_path / "parity-test-Qwen3-8B-20260101_000000.json", {**head, **more, "records": records})
    found = import_outcomes(path)
    assert list(found.formats.values()) == ["LLMRouterBench"]
    assert found.table[["prompt_id", "prompt", "score", "cost_usd"]].to_numpy().tolist() == [
        ["parity/1", ASKED[0], 1.0, 0.002],
        ["parity/2", ASKED[1], 0.0, 0.002],
    ]
    assert any("1 of 3 rows" in note for note in found.notes)


# spans


def otlp(values: dict[str, Any]) -> list[dict[str, Any]]:
    kinds = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}

    def value(of: Any) -> dict[str, Any]:
        if isinstance(of, list):
            return {"arrayValue": {"values": [value(each) for each in of]}}
        if isinstance(of, dict):
            return {"kvlistValue": {"values": otlp(of)}}
        return {kinds[type(of)]: str(of) if type(of) is int else of}

    return [{"key": key, "value": value(of)} for key, of in values.items()]


def span(i: int, parent: str = "", events: Any = (), **values: Any) -> dict[str, Any]:
    named = {key.replace("__", "."): value for key, value in values.items()}
    times = {"startTimeUnixNano": "1795777231000000000", "endTimeUnixNano": "1795777231500000000"}
    told = [{"name": name, "timeUnixNano": "1", "attributes": otlp(of)} for name, of in events]
    above = {"parentSpanId": parent} if parent else {}
    return {"spanId": f"{i:016x}", **above, "name": "chat m", "attributes": otlp(named), "events": told, **times}


def resource(*spans: dict[str, Any]) -> dict[str, Any]:
    return {"resource": {"attributes": []}, "scopeSpans": [{"scope": {"name": "openai"}, "spans": list(spans)}]}


PARTS = [{"role": m["role"], "parts": [{"type": "text", "content": m["content"]}]} for m in SAID]
KNOWN: dict[str, Any] = {
    "gen_ai__operation__name": "chat",
    "gen_ai__request__model": "m",
    "gen_ai__response__id": "chatcmpl-1",
}
RIGHT: dict[str, Any] = {"gen_ai.evaluation.name": "right", "gen_ai.evaluation.score.value": 1.0}
GRADE = ("gen_ai.evaluation.result", RIGHT)
GRADED: dict[str, Any] = {"events": (GRADE,)}
ID = f"{1:016x}"


def record(body: Any = None, **more: Any) -> dict[str, Any]:
    """A log record as OTLP's, of an event by its name and attributes, or one with a body."""
    attributes = otlp(more.pop("attributes", {}))
    body = {"body": otlp({"": body})[0]["value"]} if body is not None else {}
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"attributes": attributes, **body, **more}]}]}]}


@pytest.mark.parametrize(
    "records",
    [
        pytest.param(
            [{"resourceSpans": [resource(span(1, **GRADED, gen_ai__input__messages=json.dumps(PARTS), **KNOWN))]}],
            id="messages as JSON",
        ),
        pytest.param(
            [{"resourceSpans": [resource(span(1, **GRADED, gen_ai__input__messages=PARTS, **KNOWN))]}],
            id="messages as values",
        ),
        pytest.param(
            [{"resourceSpans": [resource(span(1, **GRADED, **KNOWN, gen_ai__input__messages=json.dumps(PARTS[1:]),
                                              gen_ai__system_instructions=json.dumps(PARTS[0]["parts"])))]}],
            id="instructions apart",
        ),
        pytest.param(
            [resource(span(1, **GRADED, gen_ai__input__messages=json.dumps(PARTS), **KNOWN))], id="lines of Java"
        ),
        pytest.param(
            [{"resourceSpans": [resource(span(1, **GRADED, **KNOWN, **{
                f"gen_ai__prompt__{i}__{key}": m[key] for i, m in enumerate(SAID) for key in m}))]}],
            id="OpenLLMetry",
        ),
        pytest.param(
            [{"resourceSpans": [resource(span(1, **GRADED, llm__model_name="m", **{
                f"llm__input_messages__{i}__message__{key}": m[key] for i, m in enumerate(SAID) for key in m}))]}],
            id="OpenInference",
        ),
        pytest.param(
            [{"resourceSpans": [resource(span(1, **KNOWN))]},
             *(record({"content": m["content"]}, eventName=f"gen_ai.{m['role']}.message", spanId=ID) for m in SAID),
             record(eventName="gen_ai.evaluation.result", spanId=ID, attributes=RIGHT)],
            id="log records",
        ),
        pytest.param(
            [record(eventName="gen_ai.evaluation.result", attributes={**RIGHT, "gen_ai.response.id": "chatcmpl-1"}),
             record(spanId=ID, attributes={"event.name": "gen_ai.client.inference.operation.details",
                                           "gen_ai.input.messages": PARTS}),
             {"resourceSpans": [resource(span(1, **KNOWN))]}],
            id="by the response",
        ),
        pytest.param(
            [{"resourceSpans": [resource(
                span(1, **KNOWN, gen_ai__input__messages=json.dumps(PARTS)),
                span(2, ID, gen_ai__evaluation__name="right", gen_ai__evaluation__score__label="pass"),
                span(3, gen_ai__operation__name="embeddings", gen_ai__request__model="e", **GRADED))]}],
            id="a grade that is a span",
        ),
    ],
)  # fmt: skip
def test_spans_in_the_shapes_that_tools_write(tmp_path: Path, records: Any) -> None:
    found = import_outcomes(written(tmp_path / "spans.jsonl", lines(records)))
    assert list(found.formats.values()) == ["OpenTelemetry"]
    assert found.table[["model", "score"]].to_numpy().tolist() == [["m", 1.0]]
    assert json.loads(found.table["prompt"][0]) == SAID
    assert found.table["latency_s"].tolist() == [0.5]


def test_spans_as_the_console_exporter_of_python_shows_them(tmp_path: Path) -> None:
    shown = [
        {"name": "chat m", "context": {"trace_id": "0x1", "span_id": f"0x{i}"}, "parent_id": None,
         "start_time": "2026-11-27T11:00:31.000000Z", "end_time": "2026-11-27T11:00:31.500000Z",
         "attributes": {"gen_ai.request.model": "m", "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [
             {"type": "text", "content": asked}]}])},
         "events": [{"name": GRADE[0], "timestamp": "", "attributes": {"gen_ai.evaluation.score.value": 1.0 - i}}]}
        for i, asked in enumerate(ASKED)
    ]  # fmt: skip
    text = "\n".join(json.dumps(each, indent=4) for each in shown)  # one value after the other, over many lines
    table = import_outcomes(written(tmp_path / "spans.json", text)).table
    assert table["score"].tolist() == [1.0, 0.0]
    assert table["latency_s"].tolist() == [0.5, 0.5]


def test_messages_whose_contents_were_not_kept_are_no_prompt(tmp_path: Path) -> None:
    kept = json.dumps([{"role": m["role"], "parts": []} for m in SAID])
    path = written(
        tmp_path / "s.json", {"resourceSpans": [resource(span(1, **GRADED, gen_ai__input__messages=kept, **KNOWN))]}
    )
    with pytest.raises(InvalidRequestError, match="not a row has a grade and a prompt"):
        import_outcomes(path)


# what is no file of a tool


@pytest.mark.parametrize(
    "value", [{"name": "r", "scenario_spec": {}}, [{"name": {"name": "em"}, "count": 1, "mean": 0}], {"a": [1, 2]}]
)
def test_an_unknown_shape_names_what_it_holds_and_what_is_read(tmp_path: Path, value: Any) -> None:
    path = written(tmp_path / "x.json", value)
    with pytest.raises(InvalidRequestError, match=r"'x\.json' is no file that is known here: it holds \w+") as told:
        import_outcomes(path)
    assert all(name in told.value.hint for name in ("HELM", "OpenTelemetry", "prompt, model and score"))


def test_values_of_json_that_are_cut_off_name_the_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="line 1 of"):
        import_outcomes(written(tmp_path / "x.json", '{\n "a": 1\n}\n{\n "a": '))
