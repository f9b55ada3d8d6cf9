"""Files of other tools become outcomes, recognised by what is in them.

Those of inspect_ai 0.3.285 (`.json` and `.eval`), lm-evaluation-harness 0.4.13 and promptfoo 0.121.20 (`.json` and
`.jsonl`) are shaped as files that these tools wrote when they were run; all others are built from the schema that their
tools document.
"""

import gzip
import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow
import pytest
import yaml

from autopicker_lab import cli
from autopicker_lab.core import InvalidRequestError
from autopicker_lab.storage import Decision, FileLog
from autopicker_lab.tuning import read_outcomes
from autopicker_lab.tuning.imports import import_outcomes, leakage
from autopicker_lab.tuning.imports.documents import read_content

ASKED = ("What is 1+1?", "What is 2+3?")
SPANS = {
    "resourceSpans": [
        {
            "scopeSpans": [
                {
                    "spans": [
                        {
                            "spanId": f"{i}",
                            "startTimeUnixNano": "1000000000",
                            "endTimeUnixNano": "3000000000",
                            "attributes": [
                                {"key": "gen_ai.request.model", "value": {"stringValue": "m"}},
                                {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "7"}},
                                {
                                    "key": "gen_ai.input.messages",
                                    "value": {
                                        "stringValue": json.dumps(
                                            [{"role": "user", "parts": [{"type": "text", "content": prompt}]}]
                                        )
                                    },
                                },
                            ],
                            "events": [
                                {
                                    "name": "gen_ai.evaluation.result",
                                    "attributes": [
                                        {"key": "gen_ai.evaluation.score.value", "value": {"doubleValue": 1.0 - i}}
                                    ],
                                }
                            ],
                        }
                        for i, prompt in enumerate(ASKED)
                    ]
                }
            ]
        }
    ]
}
INSPECT = {
    "version": 2,
    "status": "success",
    "eval": {"task": "sums", "model": "m", "created": "2026-01-01T00:00:00+00:00"},
    "samples": [
        {
            "id": f"s{i}",
            "epoch": 1,
            "input": prompt,
            "target": "2",
            "scores": {"match": {"value": "CI"[i], "answer": "2"}},
            "model_usage": {"m": {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}},
            "total_time": 2.0,
        }
        for i, prompt in enumerate(ASKED)
    ],
}
PROMPTFOO = {
    "evalId": "e",
    "results": {
        "version": 3,
        "results": [
            {
                "provider": {"id": "openai:m", "label": "m"},
                "prompt": {"raw": prompt, "label": "p"},
                "success": i == 0,
                "score": 1 - i,
                "latencyMs": 2000,
                "cost": 0.001,
                "response": {"output": "2", "tokenUsage": {"total": 9, "prompt": 7, "completion": 2}},
            }
            for i, prompt in enumerate(ASKED)
        ],
    },
}
LM_EVAL = [
    {
        "doc_id": i,
        "doc": {"q": prompt},
        "target": "2",
        "arguments": {"gen_args_0": {"arg_0": prompt, "arg_1": {"until": ["\n"]}}},
        "resps": [["2"]],
        "filtered_resps": ["2"],
        "filter": which,
        "metrics": ["exact_match"],
        "exact_match": 1.0 - i if which == "strict-match" else 1.0,
    }
    for which in ("strict-match", "flexible-extract")
    for i, prompt in enumerate(ASKED)
]
EVALS = [
    {"spec": {"completion_fns": ["m"], "eval_name": "sums.dev.v0", "base_eval": "sums"}},
    *({"sample_id": f"sums.{i}", "type": "sampling", "data": {"prompt": p}} for i, p in enumerate(ASKED)),
    *({"sample_id": f"sums.{i}", "type": "match", "data": {"correct": i == 0}} for i in range(2)),
    {"final_report": {"accuracy": 0.5}},
]
BENCH = {
    "model_name": "m",
    "dataset_name": "sums",
    "records": [{"index": i, "origin_query": p, "score": 1.0 - i, "cost": 0.001} for i, p in enumerate(ASKED)],
}
LITELLM = [
    {"request_id": f"r{i}", "model": "m", "spend": 0.001, "prompt_tokens": 7, "metadata": {"score": 1 - i},
     "messages": [{"role": "user", "content": p}]}
    for i, p in enumerate(ASKED)
]  # fmt: skip
LANGFUSE = [
    {"id": f"t{i}", "name": "sums", "scores": [{"name": "right", "value": 1 - i}],
     "observations": [{"model": "m", "input": [{"role": "user", "content": p}], "usageDetails": {"input": 7}}]}
    for i, p in enumerate(ASKED)
]  # fmt: skip
ROUTEREVAL = {
    "model": ["m"],
    "prompt": {"train_prompt": [ASKED[0]], "val_prompt": [], "test_prompt": [ASKED[1]]},
    "data": {"train_score": [[1.0]], "val_score": [], "test_score": [[0.0]]},
}
LLMROUTER = [{"task_name": "sums", "query": p, "model_name": "m", "performance": 1.0 - i} for i, p in enumerate(ASKED)]
EMBEDLLM = pd.DataFrame(
    {"prompt_id": [7, 8], "model_id": [1, 1], "category": "sums", "label": [1, 0], "prompt": ASKED, "model_name": "m"}
)


def lines(records: Any) -> str:
    return "\n".join(map(json.dumps, records))


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding)
    return path


@pytest.mark.parametrize(
    ("name", "text", "tool"),
    [
        ("org__m/samples_sums_2026-01-01T00-00-00.000000.jsonl", lines(LM_EVAL), "lm-evaluation-harness"),
        ("log.json", json.dumps(INSPECT), "inspect_ai"),
        ("results.json", json.dumps(PROMPTFOO), "promptfoo"),
        ("results.yaml", yaml.safe_dump(PROMPTFOO), "promptfoo"),
        ("events.jsonl", lines(EVALS), "OpenAI evals"),
        ("m.json", json.dumps(BENCH), "LLMRouterBench"),
        ("router.json", json.dumps(ROUTEREVAL), "RouterEval"),
        ("spend.json", json.dumps(LITELLM), "LiteLLM"),
        ("traces.jsonl", lines(LANGFUSE), "Langfuse"),
        ("spans.json", json.dumps(SPANS), "OpenTelemetry"),
        ("routing.jsonl", lines(LLMROUTER), "table"),
        ("embedllm.csv", EMBEDLLM.to_csv(index=False), "table"),
    ],
)
def test_each_tools_file_is_recognised_by_content(tmp_path: Path, name: str, text: str, tool: str) -> None:
    path = write(tmp_path / name, text)
    found = import_outcomes(path)
    assert found.formats == {str(path): tool}
    assert found.table["prompt"].tolist() == list(ASKED)
    assert found.table["score"].tolist() == [1.0, 0.0]
    assert set(found.table["model"]) == {"org/m" if tool.startswith("lm-") else "m"}


def test_one_grade_of_several_is_the_score_the_same_for_all_and_it_is_said_which(tmp_path: Path) -> None:
    inspected, results, traces = (json.loads(json.dumps(each)) for each in (INSPECT, PROMPTFOO, LANGFUSE))
    for i, sample in enumerate(inspected["samples"]):
        sample["scores"]["by_judge"] = {"value": {"tone": 0.25, "facts": i}}
    for result in results["results"]["results"]:
        result["namedScores"] = {"style": 0.5}
    traces[0]["scores"].insert(0, {"name": "tone", "stringValue": "kind"})
    traces[1]["scores"].append({"name": "style", "value": 0.5})
    for name, text, others in (
        ("log.json", json.dumps(inspected), {"by_judge/tone": [0.25, 0.25], "by_judge/facts": [0.0, 1.0]}),
        ("results.json", json.dumps(results), {"style": [0.5, 0.5]}),
        ("m/samples_sums.jsonl", lines(LM_EVAL), {"exact_match,flexible-extract": [1.0, 1.0]}),
        ("traces.jsonl", lines(traces), {"style": [0.5]}),
    ):
        path = write(tmp_path / name, text)
        found = import_outcomes(path)
        assert found.table["score"].tolist() == [1.0, 0.0]
        assert any("was taken" in note for note in found.notes)
        for other, scores in others.items():
            assert import_outcomes(path, columns={"score": other}).table["score"].tolist() == scores
        with pytest.raises(InvalidRequestError, match=r"no grade .charm."):
            import_outcomes(path, columns={"score": "charm"})


def test_the_number_of_a_category_is_no_grade(tmp_path: Path) -> None:
    traces = json.loads(json.dumps(LANGFUSE))
    for i, (trace, kind) in enumerate(zip(traces, ("dataType", "data_type"), strict=True)):
        trace["scores"].insert(0, {"name": "tone", "value": 4 * i, kind: "CATEGORICAL", "stringValue": "kind"})
        trace["scores"].append(
            {"name": "verdict", "value": i, kind: "CATEGORICAL", "string_value": ["fail", "pass"][i]}
        )
    path = write(tmp_path / "traces.jsonl", lines(traces))
    assert import_outcomes(path).table["score"].tolist() == [1.0, 0.0]
    assert import_outcomes(path, columns={"score": "verdict"}).table["score"].tolist() == [0.0, 1.0]


@pytest.mark.fault("a promptfoo CSV, which has no prompts, is imported", "refused, and it is said what to export")
def test_a_csv_of_promptfoo_is_refused(tmp_path: Path) -> None:
    head = "q,[openai:m] What is {{q}}?,Status,Score,Named Scores,Grader Reason,Comment"
    with pytest.raises(InvalidRequestError, match="does not hold the prompts") as refused:
        import_outcomes(write(tmp_path / "r.csv", f"{head}\n1+1,2,PASS,1.00,,fine,\n"))
    assert "results.json" in refused.value.hint


@pytest.mark.fault("YAML that repeats parts of itself without end, or is none", "refused, and it is said why")
@pytest.mark.parametrize("text", ["a: &a\n  - *a\n", "a: [1\n", ""])
def test_yaml_that_grows_is_refused(tmp_path: Path, text: str) -> None:
    grows = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12)
    )
    with pytest.raises(InvalidRequestError, match=r"YAML|repeats"):
        read_content(write(tmp_path / "r.yaml", text or grows))


def test_a_column_that_is_named_goes_before_what_a_tool_calls_its_score(tmp_path: Path) -> None:
    rated = [
        row | {"prompt": asked, "rating": i / 2} for i, (row, asked) in enumerate(zip(LITELLM, ASKED, strict=True))
    ]
    path = write(tmp_path / "spend.json", json.dumps(rated))
    assert import_outcomes(path, columns={"score": "rating"}).table["score"].tolist() == [0.0, 0.5]
    broken = [{"doc_id": {}, "doc": {}, "filtered_resps": [], "q": asked, "a": 1.0, "model": "m"} for asked in ASKED]
    path = write(tmp_path / "mine.jsonl", lines(broken))
    with pytest.raises(InvalidRequestError, match="looks like a file of"):
        import_outcomes(path)
    assert import_outcomes(path, columns={"prompt": "q", "score": "a"}).table["prompt"].tolist() == list(ASKED)


@pytest.mark.fault("a gateway or tracing tool kept no prompts, or no scores", "rows without are left out, and counted")
def test_what_a_gateway_did_not_keep_is_no_prompt_and_no_grade(tmp_path: Path) -> None:
    spent = [row | {"cache_hit": "True"} for row in LITELLM]
    spent[1]["messages"] = "{}"
    found = import_outcomes(write(tmp_path / "spend.json", json.dumps(spent)))
    assert found.table["prompt"].tolist() == [ASKED[0]]
    assert found.table["cost_usd"].isna().all()
    assert any("1 of 2 rows" in note for note in found.notes)
    listed = [{**LANGFUSE[0], "scores": ["cm0a1", "cm0a2"]}, LANGFUSE[1]]
    found = import_outcomes(write(tmp_path / "traces.json", json.dumps(listed)))
    assert found.table["prompt"].tolist() == [ASKED[1]]


@pytest.mark.parametrize(
    ("results", "model"),
    [
        ({"model_name": "org/m", "model_source": "hf"}, "org/m"),
        ({"model_name": "org/m", "model_source": "hf", "config": {"model_args": {"pretrained": "org/m"}}}, "org/m"),
        ({"model_name": "qdpv68r5", "model_source": "dummy", "config": {"model_args": {}}}, "dummy"),
        (["no results"], "x1/y2"),
    ],
)
def test_samples_are_of_the_model_that_the_results_beside_them_name(tmp_path: Path, results: Any, model: str) -> None:
    path = write(tmp_path / "x1__y2" / "samples_sums.jsonl", lines(LM_EVAL))
    write(path.with_name("results_2026-01-01.json"), json.dumps(results))
    assert set(import_outcomes(path).table["model"]) == {model}


def test_samples_that_do_not_say_their_filter_are_no_repeats(tmp_path: Path) -> None:
    older = [{key: value for key, value in row.items() if key not in ("filter", "metrics")} for row in LM_EVAL]
    path = write(tmp_path / "m" / "samples_sums.jsonl", lines(older))
    found = import_outcomes(path)
    assert found.table[["score", "samples"]].fillna(1).to_numpy().tolist() == [[1.0, 1.0], [0.0, 1.0]]
    assert import_outcomes(path, columns={"score": "exact_match,2"}).table["score"].tolist() == [1.0, 1.0]


def test_what_was_asked_is_what_solvers_made_of_it(tmp_path: Path) -> None:
    log = json.loads(json.dumps(INSPECT))
    log["samples"][0] |= {
        "messages": [
            {"role": "system", "content": "Be terse."},
            {"role": "user", "content": "attachment://long"},
            {"role": "assistant", "content": "A", "source": "generate"},
        ],
        "attachments": {"long": "Which? A) x B) y"},
    }
    first, _ = import_outcomes(write(tmp_path / "log.json", json.dumps(log))).table["prompt"]
    assert [m["content"] for m in json.loads(first)] == ["Be terse.", "Which? A) x B) y"]


@pytest.mark.fault("one of several files holds no grades", "the others are read, and it is said what was left out")
def test_a_file_without_grades_does_not_stop_the_others(tmp_path: Path) -> None:
    log = json.loads(json.dumps(INSPECT))
    for sample in log["samples"]:
        sample["scores"] = None
    good, bad = write(tmp_path / "a.json", json.dumps(INSPECT)), write(tmp_path / "b.json", json.dumps(log))
    found = import_outcomes([bad, good])
    assert len(found.table) == 2
    assert any("2 of 2 rows of b.json" in note for note in found.notes)
    with pytest.raises(InvalidRequestError, match=r"2 of 2 rows of b\.json"):
        import_outcomes(bad)


def test_helm_needs_the_state_of_its_run(tmp_path: Path) -> None:
    graded = [{"name": {"name": "exact_match", "split": "test"}, "mean": mean} for mean in (1.0, 0.0)]
    stats = [{"instance_id": f"id{i}", "train_trial_index": 0, "stats": [one]} for i, one in enumerate(graded)]
    path = write(tmp_path / "sums:model=m" / "per_instance_stats.json", json.dumps(stats))
    with pytest.raises(InvalidRequestError, match=r"scenario_state\.json"):
        import_outcomes(path)
    states = [
        {"instance": {"id": f"id{i}"}, "train_trial_index": 0, "request": {"prompt": p, "model": "m"}}
        for i, p in enumerate(ASKED)
    ]
    state = {"adapter_spec": {"model": "m"}, "request_states": states}
    write(path.with_name("scenario_state.json"), json.dumps(state))
    found = import_outcomes(path)
    assert list(found.formats.values()) == ["HELM"]
    assert found.table[["prompt", "model", "score", "task"]].to_numpy().tolist() == [
        [ASKED[0], "m", 1.0, "sums"],
        [ASKED[1], "m", 0.0, "sums"],
    ]


def test_an_archive_of_inspect_ai_packed_by_zstandard(tmp_path: Path) -> None:
    path = tmp_path / "log.eval"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, value in (
            ("header.json", {"eval": INSPECT["eval"]}),
            ("samples/s0_epoch_1.json", INSPECT["samples"][0]),
        ):
            archive.writestr(name, json.dumps(value))
    stored = import_outcomes(write_bytes(path, buffer.getvalue())).table
    packed = import_outcomes(write_bytes(path, with_zstandard(buffer.getvalue()))).table
    assert packed.equals(stored)
    assert packed["score"].tolist() == [1.0]


def write_bytes(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def with_zstandard(data: bytes) -> bytes:
    """A ZIP whose members are packed by method 93, made by hand: this Python's zipfile cannot."""
    out, directory, n = bytearray(), bytearray(), 0
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            raw, name = archive.read(info), info.filename.encode()
            packed = bytes(pyarrow.Codec("zstd").compress(raw))
            sizes = (info.CRC, len(packed), len(raw), len(name), 0)
            directory += (
                struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 63, 63, 0, 93, 0, 33, *sizes, 0, 0, 0, 0, len(out)) + name
            )
            out += struct.pack("<IHHHHHIIIHH", 0x04034B50, 63, 0, 93, 0, 33, *sizes) + name + packed
            n += 1
    return bytes(out + directory + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, n, n, len(directory), len(out), 0))


def test_several_files_become_one_table_with_repeats_averaged(tmp_path: Path) -> None:
    one = write(tmp_path / "a.json", json.dumps(INSPECT))
    other = json.loads(json.dumps(INSPECT))
    other["samples"][1]["scores"]["match"]["value"] = "C"
    two = write(tmp_path / "b.json", json.dumps(other))
    found = import_outcomes([one, two]).table.set_index("prompt")
    assert found.loc[ASKED[1], ["score", "samples"]].tolist() == [0.5, 2.0]
    assert found.loc[ASKED[1], "spread"] == pytest.approx(0.5**0.5)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_tables_of_any_encoding_and_separator(tmp_path: Path, encoding: str, between: str) -> None:
    text = (
        between.join(("question", "llm", "rating"))
        + f'\n"Größe; a, b?"{between}m{between}4\nWhy?{between}m{between}1\n'
    )
    path = write(tmp_path / "t.txt", text, encoding)
    found = import_outcomes(path, columns={"score": "rating"}, scale=(1, 5))
    assert found.table[["prompt", "score"]].to_numpy().tolist() == [["Größe; a, b?", 0.75], ["Why?", 0.0]]
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert import_outcomes(path, columns={"score": "rating"}, scale=(1, 5)).table.equals(found.table)


@pytest.mark.parametrize(
    ("grades", "scores"),
    [
        (("pass", "Fail"), [1.0, 0.0]),
        (("80%", "5 %"), [0.8, 0.05]),
        ((True, False), [1.0, 0.0]),
        (("0,5", "1"), [0.5, 1.0]),
    ],
)
def test_grades_as_people_write_them(tmp_path: Path, grades: Any, scores: list[float]) -> None:
    rows = [{"prompt": p, "model": "m", "score": g} for p, g in zip(ASKED, grades, strict=True)]
    assert import_outcomes(write(tmp_path / "g.jsonl", lines(rows))).table["score"].tolist() == scores


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ([{"prompt": "a", "model": "m", "score": 4}], "--score-scale"),
        ([{"prompt": "a", "model": "m", "score": "fine"}], "no grade"),
        ([{"prompt": "a", "model": "m"}], "no column for the score"),
        ([{"prompt": "a", "model": "m", "score": None}], "has a grade"),
        ([{"prompt": "a", "flagged": 1, "verified": 0}], "--models flagged,verified"),
        ([{"prompt": "a", "is_gpt4_like": 1, "org/m": 0}], "or a flag"),
    ],
)
def test_what_a_file_does_not_say_is_asked(tmp_path: Path, rows: Any, word: str) -> None:
    with pytest.raises(InvalidRequestError, match=word):
        import_outcomes(write(tmp_path / "r.jsonl", lines(rows)))


def test_flags_are_no_models(tmp_path: Path) -> None:
    path = write(tmp_path / "w.csv", "prompt,alpha,beta,reviewed\nWhy?,1,0,1\nHow?,0,1,1\n")
    with pytest.raises(InvalidRequestError, match="may be a model, or a flag"):
        read_outcomes(path)
    found = import_outcomes(path, models=["alpha", "beta"]).table
    assert sorted(found["model"].unique()) == ["alpha", "beta"]
    assert len(found) == 4


def test_messages_are_read_as_the_service_reads_them(tmp_path: Path) -> None:
    talk = [{"role": "user", "content": "What is 1+1?"}]
    for prompt in (talk, json.dumps(talk), str(talk)):
        rows = [{"prompt": prompt, "model": "m", "score": 1}]
        assert import_outcomes(write(tmp_path / "m.jsonl", lines(rows))).table["prompt"].tolist() == ["What is 1+1?"]


def test_prompts_in_both_tables_are_told() -> None:
    tuned, held = (pd.DataFrame({"prompt": prompts}) for prompts in (("Why is it?", "How?"), ("why is  it?", "Where?")))
    found = leakage(tuned, held)
    assert (found.copies, found.prompts) == (1, 2)
    assert "too good" in found.verdict
    assert leakage(tuned, pd.DataFrame({"prompt": ["Where?"]})).verdict == "none of 1 prompts stands in both"


def test_a_decision_log_tells_what_can_be_learned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "log.sqlite", tmp_path / "o.parquet"
    log = FileLog(path)
    log.write(
        [
            Decision(f"c{i}", f"r{i}", float(i), "m", score=1.0, prompt=p, propensities='{"m": 0.9, "n": 0.1}')
            for i, p in enumerate(ASKED)
        ]
    )
    log.close()
    for arguments in (["outcomes", str(path), "--out", str(out)], ["outcomes", "import", str(path)]):
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        assert ended.value.code == 0
        said = capsys.readouterr().out
        assert "2 of 2 requests could have gone to another model" in said
        assert "one model alone" in said
    assert len(read_outcomes(out)) == 2
    described = pyarrow.parquet.read_schema(out).field("score").metadata[b"description"]  # type: ignore[no-untyped-call]
    assert described.startswith(b"how good")


@pytest.mark.fault("outcomes come as a pickle", "refused unread, and it is said how to make a table of it")
def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="pickle"):
        read_content(write_bytes(tmp_path / "o.json", b"\x80\x04K\x01."))


def test_lines_end_where_json_says(tmp_path: Path) -> None:
    rows = [{"prompt": "one\u2028two\x85three", "model": "m", "score": 1}]
    text = "\r\n".join(
        json.dumps(row, ensure_ascii=False) for row in [*rows, {"prompt": "b", "model": "m", "score": 0}]
    )
    found = import_outcomes(write_bytes(tmp_path / "l.jsonl", text.encode())).table
    assert found["prompt"].tolist() == [rows[0]["prompt"], "b"]


@pytest.mark.fault("a model failed in an evaluation, or nothing was asserted", "its rows are no grades, and counted")
def test_calls_that_failed_are_no_wrong_answers_and_those_of_which_nothing_was_asserted_no_right_ones(
    tmp_path: Path,
) -> None:
    rows = [json.loads(json.dumps(row)) for row in PROMPTFOO["results"]["results"]]
    failed, unasked = (json.loads(json.dumps(rows[1])) for _ in range(2))
    failed |= {"failureReason": 2, "error": "API error", "score": 0}
    unasked |= {"success": True, "score": 1, "gradingResult": {"pass": True, "score": 1}, "testCase": {"assert": []}}
    rows[0]["response"]["cached"] = True
    written = [{"promptIdx": 0, "testIdx": i, **row} for i, row in enumerate((rows[0], failed, unasked))]
    for name, text in (("r.json", json.dumps({"results": {"results": written}})), ("r.jsonl", lines(written))):
        found = import_outcomes(write(tmp_path / name, text))
        assert found.table["prompt"].tolist() == [ASKED[0]]
        assert found.table[["cost_usd", "latency_s"]].isna().all(axis=None)  # what a cache gave tells of no model
        assert any("2 of 3 rows" in note for note in found.notes)
