"""The HTTP API over a real server with the embedded model."""

import asyncio
import json
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
import requests
import websocket
from support.serving import serving
from support.upstream import soon

from autopicker_lab import Settings, Workbench
from autopicker_lab.service import create_app

STORY = [{"role": "user", "content": "Tell a very long story about a lighthouse keeper, in many chapters."}]
HELLO: Any = [{"role": "user", "content": "Say hello."}]
ROBOT: Any = [{"role": "robot", "content": "x"}]


@pytest.fixture
def api(service: str) -> Any:
    def call(method: Any, path: Any, **options: Any) -> Any:
        return requests.request(method, service + path, timeout=120, **options)

    return call


@pytest.fixture(scope="session")
def uploaded(service: str, samples: Path) -> Any:
    """Ids of the uploaded samples by name."""
    ids = {}
    for name in ("report.pdf", "announcement.mp3", "sign.jpg", "passengers.xlsx", "notes.txt"):
        with (samples / name).open("rb") as file:
            answer = requests.post(f"{service}/api/v1/upload", files={"file": file}, timeout=60)
        assert answer.status_code == 200
        ids[name] = answer.json()["id"]
    return ids


def chat(api: Any, path: str = "/api/v1/chat/completions", **body: Any) -> Any:
    return api("POST", path, json={"messages": HELLO, "max_tokens": 12, **body})


def events(response: Any) -> Any:
    lines = [line for line in response.text.split("\n") if line]
    assert all(line.startswith("data:") for line in lines)
    return [line.removeprefix("data:").strip() for line in lines]


class TestFiles:
    def test_upload_tells_the_documented_fields(self, api: Any, samples: Path) -> None:
        with (samples / "report.pdf").open("rb") as file:
            answer = api("POST", "/api/v1/upload", files={"file": file})
        body = answer.json()
        assert uuid.UUID(body["id"])
        assert body["filename"] == body["original_filename"] == "report.pdf"
        assert (body["mime_type"], body["file_type"]) == ("application/pdf", "pdf")
        assert body["size"] == (samples / "report.pdf").stat().st_size
        assert body["content_preview"].startswith("# Harbour Light Ferries")
        assert len(body["content_preview"]) <= 500

    @pytest.mark.parametrize("name", ["announcement.ogg", "board.gif", "tides.py", "fares.xls", "minutes.docx"])
    def test_any_format_can_be_uploaded(self, api: Any, samples: Path, name: str) -> None:
        with (samples / name).open("rb") as file:
            body = api("POST", "/api/v1/upload", files={"file": file}).json()
        assert body["file_type"] == name.split(".")[1]
        assert (body["content_preview"] == "") == name.endswith(".ogg")

    def test_list_describe_read_delete(self, api: Any, samples: Path) -> None:
        with (samples / "notes.txt").open("rb") as file:
            file_id = api("POST", "/api/v1/upload", files={"file": file}).json()["id"]
        listed = api("GET", "/api/v1/files").json()
        assert listed["count"] == len(listed["files"])
        record = next(row for row in listed["files"] if row["id"] == file_id)
        assert abs(record["created_at"] - time.time()) < 60
        assert api("GET", f"/api/v1/files/{file_id}").json()["file_type"] == "txt"
        assert "Fog bell" in api("GET", f"/api/v1/files/{file_id}/content").json()["text"]
        assert api("DELETE", f"/api/v1/files/{file_id}").json()["deleted"] is True
        assert api("GET", f"/api/v1/files/{file_id}").status_code == 404

    @pytest.mark.slow
    def test_the_content_of_a_recording_is_what_is_said(self, api: Any, uploaded: Any) -> None:
        body = api("GET", f"/api/v1/files/{uploaded['announcement.mp3']}/content").json()
        assert "half past" in body["text"]

    @pytest.mark.parametrize(
        ("name", "data", "status", "word"),
        [
            ("a.txt", b"", 400, "empty"),
            ("a.rar", b"Rar!\x1a\x07", 415, "supported: pdf"),
            ("a.pdf", b"%PDF-1.4 nothing", 400, "not a readable PDF"),
            ("a.png", b"\x00\x01\xfe no picture", 400, "not a readable PNG"),
            ("a.mp3", b"ID3\x04" + bytes(400), 400, "not a readable recording"),
            ("a.txt", b"x" * (10 * 2**20 + 1), 413, "10,485,760"),
        ],
    )
    def test_what_is_refused_is_not_kept(self, api: Any, name: str, data: bytes, status: int, word: str) -> None:
        before = api("GET", "/api/v1/files").json()["count"]
        answer = api("POST", "/api/v1/upload", files={"file": (name, data)})
        assert (answer.status_code, answer.json()["status_code"]) == (status, status)
        assert word.lower() in answer.json()["detail"].lower()
        assert api("GET", "/api/v1/files").json()["count"] == before

    def test_exactly_ten_megabytes_are_taken(self, api: Any) -> None:
        assert api("POST", "/api/v1/upload", files={"file": ("a.txt", b"x" * (10 * 2**20))}).status_code == 200

    def test_far_too_much_is_refused_before_it_is_read(self, api: Any) -> None:
        answer = api("POST", "/api/v1/upload", data=b"x" * 12 * 2**20, headers={"Content-Type": "multipart/form-data"})
        assert answer.status_code == 413

    @pytest.mark.parametrize(
        ("path", "media_type"),
        [
            ("/api/v1/upload", "multipart/form-data; boundary=x"),
            ("/v1/audio/transcriptions", "multipart/form-data; boundary=x"),
            ("/api/v1/chat/completions", "application/json"),
        ],
    )
    def test_a_body_without_a_length_is_bounded_too(self, service: str, path: str, media_type: str) -> None:
        def endless() -> Iterator[Any]:
            yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
            for _ in range(60):
                yield b"x" * 2**20

        headers = {"Content-Type": media_type}
        answer = requests.post(service + path, data=endless(), headers=headers, timeout=60)
        assert answer.status_code == 413

    def test_an_upload_without_a_file(self, api: Any) -> None:
        answer = api("POST", "/api/v1/upload", files={"other": ("a.txt", b"x")})
        assert (answer.status_code, answer.json()["detail"]) == (400, "The 'file' field is required")


class TestChat:
    @pytest.mark.slow
    def test_a_routed_answer(self, api: Any) -> None:
        body = chat(api).json()
        assert body["id"].startswith("chatcmpl-")
        assert body["object"] == "chat.completion"
        assert body["choices"][0]["message"]["role"] == "assistant"
        assert body["choices"][0]["message"]["content"]
        assert body["choices"][0]["finish_reason"] in ("stop", "length")
        assert body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] + body["usage"]["completion_tokens"]
        assert set(body["routing"]) == {"complexity_score", "selected_model", "reason", "fallback_used", "policy"}

    @pytest.mark.slow
    def test_a_named_model_is_not_routed(self, api: Any) -> None:
        body = chat(api, model="smollm2-135m").json()
        assert body["model"] == "smollm2-135m"
        assert body["routing"]["selected_model"] == "smollm2-135m"
        assert chat(api, model="smollm2").json()["model"] == "smollm2-135m"

    @pytest.mark.parametrize("prefix", ["/api/v1", "/v1"])
    def test_a_stream_is_openai_s(self, api: Any, prefix: str) -> None:
        answer = chat(api, f"{prefix}/chat/completions", stream=True, stream_options={"include_usage": True})
        assert answer.headers["content-type"].startswith("text/event-stream")
        *chunks, done = events(answer)
        parsed = [json.loads(chunk) for chunk in chunks]
        assert done == "[DONE]"
        assert {chunk["object"] for chunk in parsed} == {"chat.completion.chunk"}
        assert len({chunk["id"] for chunk in parsed}) == 1
        assert parsed[0]["choices"][0]["delta"]["role"] == "assistant"
        assert parsed[0]["routing"]["selected_model"] == "smollm2-135m"
        assert "".join(c["choices"][0]["delta"].get("content", "") for c in parsed if c["choices"])
        assert parsed[-1]["choices"] == []
        assert parsed[-1]["usage"]["completion_tokens"] > 0
        assert parsed[-2]["choices"][0]["finish_reason"]

    @pytest.mark.slow
    def test_the_end_of_a_stream_to_the_letter(self, service: str) -> None:
        import httpx

        body = {"messages": HELLO, "max_tokens": 3, "stream": True}
        text = httpx.post(f"{service}/api/v1/chat/completions", json=body, timeout=60).text
        assert text.endswith("data: [DONE]\n\n")

    @pytest.mark.slow
    def test_the_first_piece_comes_before_the_last(self, service: str) -> None:
        body = {
            "messages": [{"role": "user", "content": "Tell a story about a lighthouse."}],
            "max_tokens": 80,
            "stream": True,
        }
        times: list[Any] = []
        with requests.post(f"{service}/api/v1/chat/completions", json=body, stream=True, timeout=60) as answer:
            times.extend(time.perf_counter() for line in answer.iter_lines() if line)
        assert len(times) > 15
        assert times[5] - times[0] < (times[-1] - times[0]) / 2

    @pytest.mark.slow
    def test_about_files(self, api: Any, uploaded: Any) -> None:
        ids = [uploaded["report.pdf"], uploaded["sign.jpg"], uploaded["passengers.xlsx"]]
        body = chat(api, "/api/v1/chat/multimodal", file_ids=ids).json()
        assert body["files_processed"] == 3
        assert body["file_errors"] == []
        assert "report.pdf" in body["context"]["left_out"][0]

    @pytest.mark.slow
    def test_about_recordings(self, api: Any, uploaded: Any) -> None:
        body = chat(api, "/api/v1/chat/multimodal-audio", file_ids=[uploaded["announcement.mp3"]]).json()
        assert body["files_processed"] == 1
        assert "announcement.mp3" in body["context"]["used"][0]

    def test_an_unknown_file_is_named(self, api: Any) -> None:
        answer = chat(api, "/api/v1/chat/multimodal", file_ids=["file-id-123"])
        assert answer.status_code == 404
        assert "file-id-123" in answer.json()["detail"]

    @pytest.mark.parametrize(
        ("body", "word"),
        [
            ({}, "The 'messages' field is required"),
            ({"messages": []}, "messages"),
            ({"messages": "hi"}, "messages"),
            ({"messages": [{"role": "robot", "content": "x"}]}, "role"),
            ({"messages": [{"role": "user"}]}, "content"),
            ({"messages": [{"role": ["user"], "content": "x"}]}, "role"),
            ({"messages": [{"role": "user", "content": "\ud800"}]}, "not valid JSON"),
            ({"messages": HELLO, "file_ids": [str(i) for i in range(51)]}, "too many"),
            ({"messages": HELLO, "temperature": 9}, "temperature"),
            ({"messages": HELLO, "temperature": "hot"}, "temperature"),
            ({"messages": HELLO, "max_tokens": 0}, "max_tokens"),
            ({"messages": HELLO, "n": 9}, "'n'"),
            ({"messages": HELLO, "file_ids": "x"}, "file_ids"),
            ([], "body"),
        ],
    )
    def test_malformed_requests_are_400_and_named(self, api: Any, body: Any, word: str) -> None:
        answer = api("POST", "/api/v1/chat/completions", json=body)
        assert answer.status_code == 400
        assert set(answer.json()) == {"error", "detail", "status_code"}
        assert word in answer.json()["detail"]

    @pytest.mark.parametrize(
        ("path", "extra"),
        [
            ("analyze-complexity", {"messages": HELLO, "file_ids": ["\ud800"]}),
            ("feedback", {"request_id": "\ud800", "score": 1}),
        ],
    )
    def test_no_body_may_hold_what_cannot_be_passed_on(self, api: Any, path: str, extra: Any) -> None:
        answer = api("POST", f"/api/v1/{path}", json=extra)
        assert answer.status_code == 400
        assert "surrogate" in answer.json()["detail"]

    @pytest.mark.parametrize("data", [b"{bad", b"", b"\xff\xfe", b'{"a":' * 100_000])
    def test_malformed_json_is_400(self, api: Any, data: bytes) -> None:
        headers = {"Content-Type": "application/json"}
        answer = api("POST", "/api/v1/chat/completions", data=data, headers=headers)
        assert (answer.status_code, answer.json()["status_code"]) == (400, 400)

    def test_unknown_fields_are_no_failure(self, api: Any) -> None:
        extra: Any = {
            "user": "me",
            "logit_bias": {},
            "metadata": {"a": "b"},
            "store": True,
            "made_up": [1],
            "tools": [],
        }
        assert chat(api, **extra).status_code == 200

    def test_an_unknown_model_and_one_that_is_down(self, api: Any) -> None:
        unknown, down = chat(api, model="gpt-9"), chat(api, model="llama3.2-local")
        assert unknown.status_code == 404
        assert "smollm2-135m" in unknown.json()["detail"]
        assert down.status_code == 503
        assert "ollama serve" in down.json()["detail"]

    def test_too_long_a_conversation_is_400(self, api: Any) -> None:
        answer = chat(api, messages=[{"role": "user", "content": "word " * 40_000}])
        assert answer.status_code == 400
        assert "context window" in answer.json()["detail"]

    def test_variety_is_not_remembered(self, api: Any) -> None:
        assert chat(api, temperature=0.7).headers["x-cache"] == "BYPASS"
        assert (
            api(
                "POST", "/api/v1/chat/completions", json={"messages": HELLO}, headers={"Cache-Control": "no-cache"}
            ).headers["x-cache"]
            == "BYPASS"
        )

    def test_a_client_that_leaves_stops_the_answer(self, service: str) -> None:
        body = {"messages": [{"role": "user", "content": "Tell a long story."}], "max_tokens": 4000, "stream": True}
        with requests.post(f"{service}/api/v1/chat/completions", json=body, stream=True, timeout=60) as answer:
            next(answer.iter_lines())
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            text = requests.get(f"{service}/metrics", timeout=10).text
            if "autopicker_requests_running 1.0" in text:  # this request itself
                return
            time.sleep(0.1)
        raise AssertionError("the answer goes on without a reader")


class TestClients:
    @pytest.mark.parametrize("prefix", ["/v1", "/api/v1"])
    def test_openai_python(self, service: str, prefix: str, request: Any) -> None:
        client = openai.OpenAI(base_url=service + prefix, api_key="none", max_retries=0)
        request.addfinalizer(client.close)
        answer = client.chat.completions.create(model="auto", messages=HELLO, max_tokens=8)
        assert answer.choices[0].message.content
        stream = client.chat.completions.create(
            model="auto", messages=HELLO, max_tokens=8, stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)
        assert chunks[-1].usage.completion_tokens > 0
        assert "auto" in [model.id for model in client.models.list()]
        with pytest.raises(openai.NotFoundError, match="unknown model 'gpt-9'"):
            client.chat.completions.create(model="gpt-9", messages=HELLO)
        with pytest.raises(openai.BadRequestError, match="role"):
            client.chat.completions.create(model="auto", messages=ROBOT)

    @pytest.mark.slow
    def test_openai_transcriptions(self, service: str, samples: Path, request: Any) -> None:
        client = openai.OpenAI(base_url=f"{service}/v1", api_key="none", max_retries=0)
        request.addfinalizer(client.close)
        with (samples / "announcement.wav").open("rb") as file:
            assert "ticket" in client.audio.transcriptions.create(model="whisper-1", file=file).text
        with (samples / "announcement.wav").open("rb") as file:
            transcript = client.audio.transcriptions.create(
                model="whisper-1", file=file, response_format="verbose_json", timestamp_granularities=["word"]
            )
        assert transcript.duration == pytest.approx(12.9, abs=0.1)
        assert transcript.words[0].end > 0
        shape: Any
        for shape, start in (("srt", "1\n00:00:0"), ("vtt", "WEBVTT"), ("text", "Good")):
            with (samples / "announcement.wav").open("rb") as file:
                text = client.audio.transcriptions.create(model="whisper-1", file=file, response_format=shape)
            assert text.startswith(start)


class TestAnalysis:
    def test_complexity(self, api: Any, uploaded: Any) -> None:
        ids = [uploaded["report.pdf"], "file-id-123"]
        body = api("POST", "/api/v1/analyze-complexity", json={"messages": HELLO, "file_ids": ids}).json()
        analysis = body["complexity_analysis"]
        assert analysis["complexity_score"] == pytest.approx(sum(analysis["reasoning"]["complexity_factors"].values()))
        assert analysis["selected_model"] == "smollm2-135m"
        assert analysis["reasoning"]["file_count"] == 1
        assert analysis["reasoning"]["file_types"] == ["pdf"]
        assert analysis["reasoning"]["total_message_length"] == len("Say hello.")
        assert analysis["estimated_tokens"] > 1000
        assert analysis["estimated_cost_usd"] == 0
        assert "file-id-123" in analysis["file_errors"][0]["error"]
        assert {c["model"] for c in analysis["candidates"]} == {"smollm2-135m", "llama3.2-local"}

    def test_models(self, api: Any) -> None:
        rows = {row["id"]: row for row in api("GET", "/api/v1/models").json()["data"]}
        assert rows["auto"]["available"] is rows["smollm2-135m"]["available"] is True
        assert rows["llama3.2-local"]["available"] is False
        assert {"id", "object", "created", "owned_by", "capabilities", "available"} <= set(rows["auto"])
        assert api("GET", "/v1/models/smollm2-135m").json()["owned_by"] == "local"
        assert api("GET", "/v1/models/nope").status_code == 404

    def test_feedback(self, api: Any) -> None:
        answer = chat(api, messages=[{"role": "user", "content": "feedback please"}])
        for request_id in (answer.json()["id"], answer.headers["x-request-id"]):
            answer = api("POST", "/api/v1/feedback", json={"request_id": request_id, "score": 0.5})
            assert answer.status_code == 200
        assert api("POST", "/api/v1/feedback", json={"request_id": "x", "score": 0.5}).status_code == 404
        assert api("POST", "/api/v1/feedback", json={"request_id": "x", "score": 5}).status_code == 400


@pytest.mark.slow
class TestAudio:
    def test_transcribe(self, api: Any, uploaded: Any) -> None:
        file_id = uploaded["announcement.mp3"]
        body = api("POST", f"/api/v1/transcribe/{file_id}", params={"language": "en", "word_timestamps": True}).json()
        assert "ticket" in body["transcription"]
        assert (body["file_id"], body["filename"], body["type"]) == (file_id, "announcement.mp3", "audio")
        assert body["language"] == "en"
        assert body["duration"] == pytest.approx(12.9, abs=0.1)
        assert {"start", "end", "text"} <= set(body["segments"][0])

    def test_what_cannot_be_transcribed(self, api: Any, uploaded: Any) -> None:
        assert api("POST", f"/api/v1/transcribe/{uploaded['report.pdf']}").status_code == 400
        assert api("POST", "/api/v1/transcribe/nope").status_code == 404
        wrong = api("POST", f"/api/v1/transcribe/{uploaded['announcement.mp3']}", params={"language": "xx"})
        assert (wrong.status_code, "ISO 639-1" in wrong.json()["detail"]) == (400, True)


class TestMonitoring:
    def test_health(self, api: Any) -> None:
        assert api("GET", "/health").json() == {"status": "healthy", "service": "autopicker"}
        body = api("GET", "/api/v1/monitoring/health").json()
        assert set(body["system_metrics"]) == {"cpu_percent", "memory_percent", "disk_usage_percent"}
        assert (body["api_health"]["healthy_endpoints"], body["api_health"]["total_endpoints"]) == (1, 2)

    def test_metrics(self, api: Any) -> None:
        chat(api)
        told = api("GET", "/api/v1/performance/metrics").json()
        assert told["departing_keys"] == []
        body = told["performance_metrics"]
        assert body["summary"]["total_requests"] > 0
        assert {"hits", "misses", "hit_rate_percent"} <= set(body["cache_stats"])
        text = api("GET", "/metrics").text
        assert 'autopicker_route_decisions_total{fallback="false",model="smollm2-135m"}' in text
        assert 'route="/api/v1/chat/completions"' in text or 'route="/chat/completions"' in text

    def test_load_test(self, api: Any) -> None:
        query: Any = {"endpoint": "/api/v1/models", "concurrent_users": 4, "requests_per_user": 5}
        body = api("POST", "/api/v1/performance/load-test", params=query).json()
        results = body["load_test_results"]
        assert body["status"] == "completed"
        assert results["success_rate_percent"] == 100
        assert results["total_requests"] == 20
        assert results["p50_ms"] <= results["p95_ms"] <= results["p99_ms"]
        assert results["errors"] == {}

    @pytest.mark.parametrize(
        "endpoint",
        [
            "http://127.0.0.1:1/x",
            "//evil/x",
            "health",
            "/a/../b",
            "/%2e%2e/b",
            "/%252e%252e/b",
            "\\\\evil",
            "/x\r\nHost: evil",
            "/api/v1/performance/load-test",
            "/v1/performance/load-test/",
            "/api/v1/performance/load%2Dtest",
            "@evil/x",
        ],
    )
    def test_the_load_test_only_tests_this_service(self, api: Any, endpoint: str) -> None:
        assert api("POST", "/api/v1/performance/load-test", params={"endpoint": endpoint}).status_code == 400

    @pytest.mark.parametrize("query", [{"concurrent_users": 21}, {"requests_per_user": 51}, {"concurrent_users": 0}])
    def test_the_load_test_is_bounded(self, api: Any, query: Any) -> None:
        assert api("POST", "/api/v1/performance/load-test", params=query).status_code == 400

    def test_the_load_test_says_that_it_reads_no_body(self, api: Any) -> None:
        answer = api("POST", "/api/v1/performance/load-test", json={"endpoint": "/health"})
        assert answer.status_code == 400
        assert "query string" in answer.text

    def test_others_are_answered_while_it_runs(self, api: Any) -> None:
        query: Any = {"endpoint": "/api/v1/models", "concurrent_users": 20, "requests_per_user": 50}
        thread = threading.Thread(target=api, args=("POST", "/api/v1/performance/load-test"), kwargs={"params": query})
        thread.start()
        answered = 0
        while thread.is_alive():
            assert api("GET", "/api/v1/files").status_code == 200
            answered += thread.is_alive()
        assert answered >= 3

    @pytest.mark.slow
    def test_one_load_test_at_a_time(self, api: Any, uploaded: Any) -> None:
        query = {"endpoint": "/api/v1/files", "concurrent_users": 20, "requests_per_user": 50}
        answers = []

        def run() -> None:
            answers.append(api("POST", "/api/v1/performance/load-test", params=query))

        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answer.status_code for answer in answers) == [200, 429]
        assert "Retry-After" in next(a for a in answers if a.status_code == 429).headers


class TestSocket:
    def connect(self, service: str, **options: Any) -> Any:
        return websocket.create_connection(service.replace("http", "ws") + "/ws/chat", timeout=60, **options)

    def until(self, socket: Any, *kinds: Any) -> Any:
        messages: list[Any] = []
        while not messages or messages[-1]["type"] not in kinds:
            messages.append(json.loads(socket.recv()))
        return messages

    def test_several_turns(self, service: str, uploaded: Any) -> None:
        socket = self.connect(service)
        for body in ({}, {"file_ids": [uploaded["notes.txt"]]}, {"stream": False}):
            socket.send(json.dumps({"type": "chat", "messages": HELLO, "max_tokens": 8, **body}))
            messages = self.until(socket, "done", "error")
            assert messages[0]["type"] == "route"
            assert messages[0]["model"] == "smollm2-135m"
            assert "".join(m["content"] for m in messages if m["type"] == "content")
            assert messages[-1]["finish_reason"] in ("stop", "length")
            assert messages[-1]["usage"]["completion_tokens"] > 0
        socket.close()

    def test_cancel(self, service: str) -> None:
        socket = self.connect(service)
        socket.send(json.dumps({"type": "chat", "messages": STORY, "max_tokens": 2000}))
        self.until(socket, "route")
        socket.send(json.dumps({"type": "cancel"}))
        assert self.until(socket, "cancelled")[-1]["was_running"] is True
        socket.send(json.dumps({"type": "cancel"}))
        assert json.loads(socket.recv()) == {"type": "cancelled", "was_running": False}  # and no content in between
        socket.close()

    @pytest.mark.parametrize(
        ("message", "status"),
        [
            ("nonsense", 400),
            ('{"type": "dance"}', 400),
            ('{"type": "chat"}', 400),
            ('{"type": "chat", "messages": [{"role": "user", "content": "x"}], "file_ids": ["nope"]}', 404),
            ('{"type": "chat", "messages": [{"role": "user", "content": "x"}], "model": "llama3.2-local"}', 503),
        ],
    )
    def test_errors_are_messages_and_the_socket_goes_on(self, service: str, message: str, status: int) -> None:
        socket = self.connect(service)
        socket.send(message)
        answer = self.until(socket, "error")[-1]
        assert answer["status_code"] == status
        assert answer["detail"]
        socket.send(json.dumps({"type": "cancel"}))
        assert self.until(socket, "cancelled")
        socket.close()


@pytest.fixture(scope="module")
def locked(clean_environment: None) -> Iterator[Any]:
    settings = Settings.load(api_key="secret", rate_limit_requests=1000)
    with serving(create_app(Workbench(settings))) as address:
        yield address


class TestAccess:
    @pytest.mark.parametrize("headers", [{"X-API-Key": "secret"}, {"Authorization": "Bearer secret"}])
    def test_the_key_opens(self, locked: Any, headers: Any) -> None:
        assert requests.get(f"{locked}/api/v1/models", headers=headers, timeout=20).status_code == 200

    @pytest.mark.parametrize(
        "headers", [{}, {"X-API-Key": "wrong"}, {"Authorization": "Bearer "}, {"X-API-Key": "é".encode("latin-1")}]
    )
    def test_anything_else_does_not(self, locked: Any, headers: Any) -> None:
        answer = requests.get(f"{locked}/api/v1/models", headers=headers, timeout=20)
        assert (answer.status_code, answer.json()["error"]) == (401, "Unauthorized")

    @pytest.mark.parametrize("path", ["/health", "/docs", "/redoc", "/openapi.json"])
    def test_some_paths_stay_open(self, locked: Any, path: str) -> None:
        assert requests.get(locked + path, timeout=20).status_code == 200

    def test_the_socket_asks_for_the_key(self, locked: Any) -> None:
        url = locked.replace("http", "ws") + "/ws/chat"
        socket = websocket.create_connection(url, timeout=20)
        socket.send(json.dumps({"type": "chat", "messages": HELLO}))
        assert json.loads(socket.recv())["status_code"] == 401
        socket.close()
        options: Any
        for options in ({"header": ["X-API-Key: secret"]}, {}):
            socket = websocket.create_connection(url + ("" if options else "?api_key=secret"), timeout=20, **options)
            socket.send(json.dumps({"type": "cancel"}))
            assert json.loads(socket.recv())["type"] == "cancelled"
            socket.close()
        socket = websocket.create_connection(url, timeout=20)
        socket.send(json.dumps({"type": "auth", "api_key": "secret"}))
        assert json.loads(socket.recv())["type"] == "authenticated"
        socket.close()

    def test_a_load_test_with_the_key(self, locked: Any) -> None:
        query: Any = {"endpoint": "/api/v1/models", "concurrent_users": 2, "requests_per_user": 2}
        answer = requests.post(
            f"{locked}/api/v1/performance/load-test", params=query, headers={"X-API-Key": "secret"}, timeout=60
        )
        assert answer.json()["load_test_results"]["success_rate_percent"] == 100

    def test_the_rate_limit(self, clean_environment: None) -> None:
        settings = Settings.load(rate_limit_requests=3, rate_limit_window=60)
        with serving(create_app(Workbench(settings))) as address:
            answers = [requests.get(f"{address}/api/v1/files", timeout=20) for _ in range(4)]
            assert [a.status_code for a in answers] == [200, 200, 200, 429]
            assert [a.headers["X-RateLimit-Remaining"] for a in answers] == ["2", "1", "0", "0"]
            assert answers[0].headers["x-ratelimit-limit-requests"] == answers[0].headers["X-RateLimit-Limit"] == "3"
            assert time.time() < int(answers[3].headers["X-RateLimit-Reset"]) < time.time() + 62
            assert 1 <= int(answers[3].headers["Retry-After"]) <= 60
            forged = requests.get(f"{address}/api/v1/files", headers={"X-Forwarded-For": "9.9.9.9"}, timeout=20)
            assert forged.status_code == 429
            assert requests.get(f"{address}/health", timeout=20).status_code == 200

    def test_a_trusted_proxy_speaks_for_its_clients(self, clean_environment: None) -> None:
        settings = Settings.load(rate_limit_requests=1, trusted_proxies="127.0.0.1")
        with serving(create_app(Workbench(settings))) as address:
            for client in ("1.1.1.1", "2.2.2.2"):
                headers = {"X-Forwarded-For": client}
                assert requests.get(f"{address}/api/v1/files", headers=headers, timeout=20).status_code == 200
            assert requests.get(f"{address}/api/v1/files", headers=headers, timeout=20).status_code == 429


def test_a_proxy_may_add_a_line_of_its_own() -> None:
    from autopicker_lab.service.request.rate_limits import RateLimiter

    limiter = RateLimiter(Settings.load(trusted_proxies="10.0.0.1"))
    lines = [(b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-for", b"1.2.3.4")]
    assert limiter.client_address({"type": "http", "client": ("10.0.0.1", 1), "headers": lines}) == "1.2.3.4"
    assert limiter.client_address({"type": "http", "client": ("9.9.9.9", 1), "headers": lines}) == "9.9.9.9"


def test_every_answer_carries_an_id(api: Any) -> None:
    assert api("GET", "/health").headers["x-request-id"]
    assert api("GET", "/nope").headers["x-request-id"]
    assert api("GET", "/health", headers={"X-Request-ID": "mine-1"}).headers["x-client-request-id"] == "mine-1"
    assert "x-client-request-id" not in api("GET", "/health", headers={"X-Request-ID": "a b"}).headers


def test_openai_s_error_shape_where_openai_s_clients_look(api: Any) -> None:
    flat = api("POST", "/api/v1/chat/completions", json={}).json()
    assert flat == {"error": "Invalid request", "detail": "The 'messages' field is required", "status_code": 400}
    for path, headers in (("/v1", {}), ("/api/v1", {"x-stainless-lang": "python"})):
        body = api("POST", f"{path}/chat/completions", json={}, headers=headers).json()
        assert body["error"] == {
            "message": "The 'messages' field is required",
            "type": "invalid_request_error",
            "param": "messages",
            "code": None,
        }
        assert body["status_code"] == 400


def test_unknown_paths_and_methods(api: Any) -> None:
    assert api("GET", "/nope").json()["status_code"] == 404
    assert api("GET", "/api/v1/upload").json()["status_code"] == 405


def test_an_unexpected_failure_is_a_500_without_a_traceback(
    service: str, monkeypatch: pytest.MonkeyPatch, api: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("internal detail")

    monkeypatch.setattr("autopicker_lab.storage.uploads.FileStore.list", broken)
    answer = api("GET", "/api/v1/files")
    assert answer.status_code == 500
    assert answer.headers["x-request-id"]
    assert "internal detail" not in answer.text
    assert soon(lambda: "internal detail" in caplog.text)


def test_the_docs_need_no_network(api: Any) -> None:
    for page in ("/docs", "/redoc"):
        html = api("GET", page).text
        assert "https://" not in html.replace("https://fonts", "x") or "cdn" not in html
        for attribute in ('src="', 'href="'):
            for piece in html.split(attribute)[1:]:
                path = piece.split('"')[0]
                assert path.startswith("/")
                assert api("GET", path).status_code == 200


def test_every_documented_route_is_there(api: Any) -> None:
    paths = api("GET", "/openapi.json").json()["paths"]
    for path in (
        "/api/v1/upload",
        "/api/v1/files",
        "/api/v1/files/{file_id}",
        "/api/v1/files/{file_id}/content",
        "/api/v1/chat/completions",
        "/api/v1/chat/multimodal",
        "/api/v1/chat/multimodal-audio",
        "/api/v1/analyze-complexity",
        "/api/v1/transcribe/{file_id}",
        "/api/v1/models",
        "/api/v1/feedback",
        "/api/v1/monitoring/health",
        "/api/v1/performance/metrics",
        "/api/v1/performance/load-test",
        "/health",
        "/metrics",
    ):
        assert path in paths
        for operation in paths[path].values():
            assert operation["summary"]
            assert "422" not in operation["responses"]


def test_a_failing_stream_ends_with_an_error_event(fake_ollama: Any) -> None:
    from autopicker_lab.settings import ModelConfig

    fake, address = fake_ollama
    fake.fault = "cut"
    model = ModelConfig(name="m", type="ollama", endpoint=address, model="llama3.2")
    with serving(create_app(Workbench(Settings.load(models=(model,))))) as base:
        answer = requests.post(f"{base}/api/v1/chat/completions", json={"messages": HELLO, "stream": True}, timeout=20)
    lines = events(answer)
    assert json.loads(lines[-1])["error"]["message"].startswith("Ollama cut the answer")
    assert "[DONE]" not in lines


def test_a_client_that_leaves_a_whole_answer_cancels_the_upstream(
    fake_ollama: Any, caplog: pytest.LogCaptureFixture
) -> None:
    import httpx

    from autopicker_lab.settings import ModelConfig

    fake, address = fake_ollama
    fake.delay_s = 0.3
    model = ModelConfig(name="m", type="ollama", endpoint=address, model="llama3.2")
    with serving(create_app(Workbench(Settings.load(models=(model,))))) as base:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{base}/api/v1/chat/completions", json={"messages": HELLO}, timeout=0.8)
        for _ in range(100):
            if fake.cancelled:
                break
            time.sleep(0.05)
    assert fake.cancelled == 1
    assert "Traceback" not in caplog.text


def test_the_same_question_is_answered_from_memory(fake_ollama: Any, samples: Path) -> None:
    from autopicker_lab.settings import ModelConfig

    fake, address = fake_ollama
    model = ModelConfig(name="m", type="ollama", endpoint=address, model="llama3.2")
    with serving(create_app(Workbench(Settings.load(models=(model,))))) as base:

        def ask(**body: Any) -> Any:
            path = "multimodal" if "file_ids" in body else "completions"
            return requests.post(f"{base}/api/v1/chat/{path}", json={"messages": HELLO, **body}, timeout=20)

        first, again, replay = ask(), ask(), ask(stream=True)
        assert [a.headers["x-cache"] for a in (first, again, replay)] == ["MISS", "HIT", "HIT"]
        assert again.json() == first.json()
        chunks = [json.loads(event) for event in events(replay)[:-1]]
        text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks)
        assert text == first.json()["choices"][0]["message"]["content"]
        assert len(fake.requests) == 1
        streamed = ask(messages=STORY, stream=True)
        assert ask(messages=STORY).headers["x-cache"] == "HIT"
        assert streamed.headers["x-cache"] == "MISS"
        with (samples / "notes.txt").open("rb") as file:
            file_id = requests.post(f"{base}/api/v1/upload", files={"file": file}, timeout=20).json()["id"]
        assert [ask(file_ids=[file_id]).headers["x-cache"] for _ in range(2)] == ["MISS", "HIT"]
        requests.delete(f"{base}/api/v1/files/{file_id}", timeout=20)
        assert ask(file_ids=[file_id]).status_code == 404


def test_cache_is_off_when_its_time_is_zero(fake_ollama: Any) -> None:
    from autopicker_lab.settings import ModelConfig

    model = ModelConfig(name="m", type="ollama", endpoint=fake_ollama[1], model="llama3.2")
    with serving(create_app(Workbench(Settings.load(models=(model,), cache_ttl=0)))) as base:
        for _ in range(2):
            answer = requests.post(f"{base}/api/v1/chat/completions", json={"messages": HELLO}, timeout=20)
            assert answer.headers["x-cache"] == "BYPASS"


def test_the_same_request_gets_the_same_route_everywhere(lab: Workbench, api: Any) -> None:
    prompts = ["Hi", "Prove it step by step and compare.", "x = 1; return f(x)", "word " * 500]
    for prompt in prompts:
        body = {"messages": [{"role": "user", "content": prompt}]}
        served = api("POST", "/api/v1/analyze-complexity", json=body).json()["complexity_analysis"]
        route = asyncio.run(lab.aroute(prompt))
        assert (served["selected_model"], served["complexity_score"]) == (route.model, route.complexity.score)
