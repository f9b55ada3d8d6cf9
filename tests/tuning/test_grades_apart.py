"""Traces in one file and their grades in another, and what odd logs of live traffic hold.

Grades as log records are in the shape of OTLP and of Python's console exporter; Langfuse's are its scores as it exports
them, a file for observations and one for scores.
"""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.tuning.imports import Imported, import_outcomes

ASKED = ("Is 60 even or odd?", "Is 38 even or odd?", "Is 7 even or odd?")
SPANS, TRACES = [f"{i + 1:016x}" for i in range(3)], [f"{i + 1:032x}" for i in range(3)]


def span(i: int, span: str = "", trace: str = "", **values: Any) -> dict[str, Any]:
    asked = json.dumps([{"role": "user", "parts": [{"type": "text", "content": ASKED[i]}]}])
    kept = {"gen_ai.request.model": "m", "gen_ai.response.id": f"r{i}", "gen_ai.input.messages": asked, **values}
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in kept.items()]
    times = {"startTimeUnixNano": "1000000000", "endTimeUnixNano": "1500000000"}
    return {"spanId": span or SPANS[i], "traceId": trace or TRACES[i], "attributes": attributes, **times}


def resource(*spans: dict[str, Any]) -> str:
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]})


def score(value: float, **ids: str) -> dict[str, Any]:
    attributes = [{"key": "gen_ai.evaluation.score.value", "value": {"doubleValue": value}}]
    return {"eventName": "gen_ai.evaluation.result", "attributes": attributes, **ids}


def logs(*records: dict[str, Any]) -> str:
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": list(records)}]}]})


def shown(i: int, value: float) -> str:
    """A log record as Python's console exporter shows it."""
    attributes = {"event.name": "gen_ai.evaluation.result", "gen_ai.evaluation.score.value": value}
    ids = {"trace_id": f"0x{TRACES[i]}", "span_id": f"0x{SPANS[i]}"}
    return json.dumps({"body": "right", "severity_number": 9, "attributes": attributes, **ids}, indent=4)


def packed(hexadecimal: str) -> str:
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()


def imported(folder: Path, *texts: str, **options: Any) -> Imported:
    paths = []
    for place, text in enumerate(texts):
        paths.append(folder / f"f{place}.{'json' if text.lstrip().startswith(('{', '[')) else 'csv'}")
        paths[-1].write_text(text, "utf-8")
    return import_outcomes(paths, **options)


def scores(found: Imported) -> dict[str, float]:
    return dict(zip(found.table["prompt"], found.table["score"].tolist(), strict=True))


THREE = resource(*map(span, range(3)))


@pytest.mark.parametrize(
    "grades",
    [
        pytest.param(logs(score(1.0, spanId=SPANS[0]), score(0.0, spanId=SPANS[1])), id="by span"),
        pytest.param(logs(score(1.0, traceId=TRACES[0]), score(0.0, traceId=TRACES[1])), id="by trace"),
        pytest.param(logs(score(1.0, spanId=packed(SPANS[0])), score(0.0, traceId=packed(TRACES[1]))), id="in base64"),
        pytest.param(f"{shown(0, 1.0)}\n{shown(1, 0.0)}", id="as Python shows them"),
        pytest.param(f"span_id,score\n{SPANS[0]},pass\n{SPANS[1].upper()},fail\n", id="a table"),
        pytest.param(f"trace_id;rating\n{TRACES[0]};100 %\n{TRACES[1]};0 %\n", id="of traces"),
        pytest.param(
            '[{"response_id": "r0", "label": true}, {"response_id": "r1", "label": false}]', id="of responses"
        ),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_grades_in_a_file_of_their_own_find_their_spans(tmp_path: Path, grades: str, first: bool) -> None:
    found = imported(tmp_path, *((grades, THREE) if first else (THREE, grades)))
    assert scores(found) == {ASKED[0]: 1.0, ASKED[1]: 0.0}
    assert any("1 of 3 rows" in note for note in found.notes)
    assert sorted(found.formats.values()) in (["OpenTelemetry"] * 2, ["OpenTelemetry", "grades"])


@pytest.mark.fault("a grade names a trace or a response id that several answers have", "it is left out, and said")
def test_a_grade_is_given_to_nobody_where_several_could_be_meant(tmp_path: Path) -> None:
    twice = span(1, trace=TRACES[0], **{"gen_ai.response.id": "r0"})
    grades = [score(1.0, traceId=TRACES[0]), score(1.0, spanId=SPANS[2]), score(0.0, traceId="f" * 32)]
    by_response = score(1.0)
    by_response["attributes"].append({"key": "gen_ai.response.id", "value": {"stringValue": "r0"}})
    found = imported(tmp_path, resource(span(0), twice, span(2)), logs(*grades, by_response))
    assert scores(found) == {ASKED[2]: 1.0}
    assert any(note.startswith("2 grades name a span, trace or response of several answers") for note in found.notes)
    assert any(note.startswith(f"1 grades are of no answer in these files (trace {'f' * 32})") for note in found.notes)


def test_a_span_that_was_sent_twice_counts_once_and_grades_alone_ask_for_the_spans(tmp_path: Path) -> None:
    grades = logs(*(score(float(i > 0), spanId=SPANS[i]) for i in range(3)))
    found = imported(tmp_path, THREE, resource(span(0)), grades)
    assert found.table[["samples", "score"]].fillna(1.0).to_numpy().tolist() == [[1.0, 0.0], [1.0, 1.0], [1.0, 1.0]]
    with pytest.raises(InvalidRequestError, match="holds grades of spans or traces, and no answers") as told:
        imported(tmp_path, f"span_id,score\n{SPANS[0]},1\n")
    assert "SPANS GRADES" in told.value.hint
    with pytest.raises(InvalidRequestError, match="not a row has a grade"):
        imported(tmp_path, THREE)


def test_langfuses_scores_find_their_observations_and_traces(tmp_path: Path) -> None:
    seen = [
        {"id": f"o{i}", "trace_id": f"t{i}", "type": "GENERATION", "provided_model_name": "m", "latency": (-1, 2, 3)[i],
         "input": [{"role": "user", "content": asked}], "usage_details": {"input": 5, "output": 6}}
        for i, asked in enumerate(ASKED)
    ]  # fmt: skip
    given = [
        {"id": "s0", "trace_id": "t0", "observation_id": "o0", "name": "right", "value": 1, "data_type": "BOOLEAN"},
        {"id": "s1", "trace_id": "t1", "observation_id": None, "name": "right", "value": 0, "string_value": "fail",
         "data_type": "CATEGORICAL"},
    ]  # fmt: skip
    found = imported(tmp_path, json.dumps(seen), json.dumps(given))
    assert scores(found) == {ASKED[0]: 1.0, ASKED[1]: 0.0}
    assert sorted(found.formats.values()) == ["Langfuse", "grades"]
    assert any(note.startswith("latency_s of 1 rows") for note in found.notes)


@pytest.mark.fault(
    "a log of a gateway has a cost below 0, or its last line was cut off", "the rest counts, and it is said"
)
def test_odd_rows_of_gateways_do_not_lose_the_others(tmp_path: Path) -> None:
    rows = [
        {"request_id": f"r{i}", "call_type": "acompletion", "model": "m", "spend": (0.1, -0.2, 0.3)[i],
         "messages": [{"role": "user", "content": asked}], "metadata": {"score": i / 2}}
        for i, asked in enumerate(ASKED)
    ]  # fmt: skip
    failed = {**rows[0], "request_id": "r9", "status": "failure", "spend": 0.0, "metadata": {"score": 1.0}}
    again = {**rows[2], "call_type": "aget_responses", "request_id": "r8"}
    whole = "\n".join(map(json.dumps, [*rows, rows[0], failed, again]))
    found = imported(tmp_path, whole + '\n{"request_id": "r10", "mod')
    assert scores(found) == {asked: i / 2 for i, asked in enumerate(ASKED)}
    assert found.table["cost_usd"].fillna(-1).tolist() == [0.1, -1, 0.3]
    assert found.table["samples"].fillna(1).tolist() == [1, 1, 1]
    assert any("below 0" in note for note in found.notes)
    assert any("is cut off" in note for note in found.notes)


def by_response(name: str, value: float) -> dict[str, Any]:
    found = score(value)
    found["attributes"].append({"key": "gen_ai.response.id", "value": {"stringValue": name}})
    return found


def test_spans_without_an_id_keep_their_own_grades(tmp_path: Path) -> None:
    bare = [{**span(i), "spanId": ""} for i in range(2)]
    grades = logs(by_response("r0", 1.0), by_response("r1", 0.0))
    found = imported(tmp_path, resource(*bare, span(2)), grades)
    assert scores(found) == {ASKED[0]: 1.0, ASKED[1]: 0.0}
    assert any("1 of 3 rows" in note for note in found.notes)
    told = [
        {**each, "events": [{**score(float(i)), "name": "gen_ai.evaluation.result"}]} for i, each in enumerate(bare)
    ]
    assert scores(imported(tmp_path, resource(*told))) == {ASKED[0]: 0.0, ASKED[1]: 1.0}


def test_a_grade_that_names_nothing_is_told(tmp_path: Path) -> None:
    outside = score(1.0, spanId="0" * 16, traceId="0" * 32)
    found = imported(tmp_path, resource(span(0)), logs(outside, score(1.0, spanId=SPANS[0])))
    assert scores(found) == {ASKED[0]: 1.0}
    assert any("(one names none): left out" in note for note in found.notes)


def test_spans_of_two_traces_may_have_one_id(tmp_path: Path) -> None:
    both = resource(span(0, span=SPANS[0]), span(1, span=SPANS[0]))
    grades = logs(score(1.0, spanId=SPANS[0], traceId=TRACES[0]), score(0.0, spanId=SPANS[0], traceId=TRACES[1]))
    assert scores(imported(tmp_path, both, grades)) == {ASKED[0]: 1.0, ASKED[1]: 0.0}


def test_a_grade_of_an_agent_reaches_its_one_answer_and_is_told_where_there_are_several(tmp_path: Path) -> None:
    def tree(trace: str, *answers: int) -> list[dict[str, Any]]:
        steps = [("a" * 16, ""), ("c" * 16, "a" * 16)]
        above = [{"spanId": own, "parentSpanId": parent, "traceId": trace} for own, parent in steps]
        return above + [{**span(i, trace=trace), "parentSpanId": "c" * 16} for i in answers]

    spans = resource(*tree(TRACES[0], 0), *tree(TRACES[1], 1, 2), {"spanId": "b" * 16, "traceId": TRACES[0]})
    grades = [score(1.0, spanId="a" * 16, traceId=trace) for trace in TRACES[:2]]
    found = imported(tmp_path, spans, logs(*grades, score(0.0, spanId="b" * 16, traceId=TRACES[0])))
    assert scores(found) == {ASKED[0]: 1.0}
    assert any(note.startswith("1 grades name a span, trace or response of several") for note in found.notes)
    assert any(note.startswith(f"1 grades are of no answer in these files (span {'b' * 16})") for note in found.notes)


@pytest.mark.parametrize("turned", [False, True])
def test_langfuses_scores_are_kept_whichever_file_comes_first(tmp_path: Path, turned: bool) -> None:
    bare: list[dict[str, Any]] = [
        {"id": ([f"o{i}"], f"o{i}", "0" * 16)[i], "trace_id": f"t{i}", "type": "GENERATION", "model": "m",
         "input": [{"role": "user", "content": asked}]}
        for i, asked in enumerate(ASKED)
    ]  # fmt: skip
    graded = [{**each, "scores": [{"name": "right", "value": i % 2}]} for i, each in enumerate(bare)]
    of_trace = [{"trace_id": "t1", "name": "other", "value": 1}, {"trace_id": "t9", "name": "other", "value": 0}]
    files = [json.dumps(graded), json.dumps(bare)]
    found = imported(tmp_path, *(files[::-1] if turned else files), json.dumps(of_trace))
    assert scores(found) == {asked: i % 2 for i, asked in enumerate(ASKED)}
    assert any(note.startswith("1 grades are of no answer in these files (trace t9)") for note in found.notes)


def test_a_wide_table_with_trace_ids_is_no_file_of_grades(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="has no column for the prompt"):
        imported(tmp_path, "trace_id,score,asked,m1,m2\nt1,1,hi,1,0\n", models=["m1", "m2"])


BY_TRACE = "trace_id,score,{}\n" + f"{TRACES[0]},1,{{}}\n{TRACES[1]},0,{{}}\n"


@pytest.mark.fault("grades by trace stand beside columns that may be models or prompts", "it is asked what they are")
@pytest.mark.parametrize(
    ("columns", "first", "second", "models"),
    [
        ("gpt,llama", "1,0", "1,1", "gpt,llama"),
        ("Bemerkung,gpt", "gut,1", "schlecht,0", "gpt"),
        ("asked", "hi", "ho", "A,B"),
    ],
)
def test_grades_beside_columns_that_nobody_knows_ask(
    tmp_path: Path, columns: str, first: str, second: str, models: str
) -> None:
    table = BY_TRACE.format(columns, first, second)
    with pytest.raises(InvalidRequestError, match=f"not known here: {columns.replace(',', ', ')}") as told:
        imported(tmp_path, THREE, table)
    assert f"--models {models}, " in told.value.hint
    assert "--column score=score;" in told.value.hint
    assert scores(imported(tmp_path, THREE, table, columns={"score": "score"})) == {ASKED[0]: 1.0, ASKED[1]: 0.0}


@pytest.mark.parametrize(
    "beside",
    [
        "name,annotator_kind,explanation,created_at",
        "Timestamp,authorUserId,configId,environment",
        "feedback_source.type",
        "assessment_name,rationale,source,create_time,last_update_time,valid,overrides",
        "id,source,name,comment,author,traceName,userId,executionTraceId,jobConfigurationId,traceTags,hasMetadata",
        "name,reason,category_name,created_by,last_updated_at,last_updated_by",
    ],
)
def test_what_exports_of_grades_hold_beside_them_is_known(tmp_path: Path, beside: str) -> None:
    row = ",".join("x" * (beside.count(",") + 1))
    found = imported(tmp_path, THREE, BY_TRACE.format(beside, row, row))
    assert scores(found) == {ASKED[0]: 1.0, ASKED[1]: 0.0}


@pytest.mark.parametrize("row", [",{}", "Unnamed: 0,{}", "index,{}", "{},", "{},gpt"])
def test_numbers_of_rows_and_empty_columns_are_no_models(tmp_path: Path, row: str) -> None:
    numbered = not row.startswith("{}")
    rows = [f"{TRACES[i]},{1 - i}" for i in (0, 1)]
    lines = [f"{i},{held}" if numbered else f"{held}," for i, held in enumerate(rows)]
    found = imported(tmp_path, THREE, "\n".join([row.format("trace_id,score"), *lines, ""]))
    assert scores(found) == {ASKED[0]: 1.0, ASKED[1]: 0.0}


def test_the_column_that_is_named_is_the_grade_of_a_file_of_grades(tmp_path: Path) -> None:
    table = f"span_id,name,rating,quality\n{SPANS[0]},q,1,0\n{SPANS[1]},q,0,1\n"
    found = imported(tmp_path, THREE, table, columns={"score": "quality"})
    assert scores(found) == {ASKED[0]: 0.0, ASKED[1]: 1.0}


def test_a_table_with_a_score_and_flags_names_the_option_for_models(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="gpt, llama may be models, or flags") as told:
        imported(tmp_path, "prompt,score,gpt,llama\nhi,1,1,0\nho,0,0,1\n")
    assert told.value.hint.endswith("--models gpt,llama")
