"""What the service tells of itself: logs, metrics and spans, and never a prompt or a key."""

import json
import logging
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from support.gateway import gateway, model
from support.upstream import soon, upstream

from autopicker_lab.service.observation.tracing import Tracing

SECRET_QUESTION = "the launch code is 4711"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Any:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing = Tracing(provider.get_tracer("test"))
    monkeypatch.setattr("autopicker_lab.service.app.Tracing.from_environment", lambda: tracing)
    return exporter


def ask(base: Any, stream: bool = False, **options: Any) -> Any:
    body = {"messages": [{"role": "user", "content": SECRET_QUESTION}], "stream": stream}
    return httpx.post(f"{base}/v1/chat/completions", json=body, timeout=30, **options)


@pytest.mark.parametrize("stream", [False, True])
def test_a_chat_is_a_span_in_its_caller_s_trace(spans: Any, stream: bool) -> None:
    with upstream() as up, gateway(up) as base:
        answer = ask(base, stream, headers={"traceparent": TRACE})
        assert answer.status_code == 200
        assert soon(lambda: len(spans.get_finished_spans()) == 1)
        span = spans.get_finished_spans()[0]
        assert (span.name, span.kind) == ("chat m", SpanKind.CLIENT)
        assert f"{span.context.trace_id:032x}" == TRACE.split("-")[1]
        attributes = dict(span.attributes)
        assert attributes["gen_ai.operation.name"] == "chat"
        assert attributes["gen_ai.provider.name"] == "openai"
        assert (attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.output_tokens"]) == (3, 5)
        assert attributes["gen_ai.response.finish_reasons"] == ("stop",)
        assert attributes["autopicker.request_id"] == answer.headers["x-request-id"]
        assert SECRET_QUESTION not in str(attributes)
        assert 0 < span.end_time - span.start_time < 5e9


def test_a_failed_chat_is_a_span_with_its_error(spans: Any) -> None:
    with upstream() as up, gateway(up) as base:
        up.fault = "invalid json"
        assert ask(base).status_code == 502
        span = spans.get_finished_spans()[0]
        assert span.status.status_code is StatusCode.ERROR
        assert span.attributes["error.type"] == "UpstreamError"


def test_spans_are_off_unless_an_address_is_set(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert Tracing.from_environment()._tracer is None
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    assert Tracing.from_environment()._tracer is not None
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    assert Tracing.from_environment()._tracer is None
    assert "autopicker-lab[otel]" in caplog.text


def test_each_request_is_a_line_of_json_without_its_prompt_or_key(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "autopicker_lab.access")
    with upstream() as up, gateway(up, log_format="json", api_key="hunter2") as base:
        answer = ask(base, headers={"x-api-key": "hunter2", "x-request-id": "mine-1"})
        assert answer.headers["x-client-request-id"] == "mine-1"
        ask(base, headers={"x-api-key": "hunter3"})
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    first = next(line for line in lines if line["client_request_id"] == "mine-1")
    assert (first["status"], first["method"], first["key_id"]) == (200, "POST", "api-key")
    assert first["ms"] > 0
    assert [line["status"] for line in lines].count(401) == 1
    assert "hunter" not in str(lines)
    assert "4711" not in str(lines)


def test_prometheus_has_what_a_dashboard_needs() -> None:
    with upstream() as up, gateway(model(up.url, price_out=1_000_000), cache_ttl=60) as base:
        for stream in (False, False, True):
            assert ask(base, stream).status_code == 200
        text = httpx.get(f"{base}/metrics").text
    for line in (
        'autopicker_requests_total{method="POST",route="/v1/chat/completions",status="200"} 3.0',
        'autopicker_tokens_total{direction="out",model="m"} 5.0',
        'autopicker_cost_usd_total{model="m"} 5.0',
        'autopicker_route_decisions_total{fallback="false",model="m"} 1.0',
        'autopicker_cache{is="hit"} 2.0',
        'autopicker_cache{is="miss"} 1.0',
        'autopicker_queue_depth{model="m"} 0.0',
        'autopicker_queue_depth{model="whisper"} 0.0',
        'autopicker_chat_seconds_count{model="m"} 1.0',
        'autopicker_request_seconds_bucket{le="+Inf",route="/v1/chat/completions"} 3.0',
    ):
        assert line in text
    assert "autopicker_cache_bytes" in text
