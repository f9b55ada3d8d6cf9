"""Spans of chats by OpenTelemetry's conventions for generative AI; on where its exporter's address is set.

https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/. Neither questions nor answers are recorded.
"""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from autopicker_lab.core import AutopickerError
    from autopicker_lab.service.observation.answer_record import AnswerRecord

log = logging.getLogger(__name__)
_ENDPOINT_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


class Tracing:
    """Records a span for each chat.

    Args:
        tracer: OpenTelemetry's; None records nothing.
    """

    def __init__(self, tracer: Tracer | None = None):
        self._tracer = tracer

    @classmethod
    def from_environment(cls) -> Tracing:
        """Tracing to the address that OpenTelemetry's own variables name; none where they name none."""
        if not any(os.environ.get(name) for name in _ENDPOINT_VARIABLES):
            return cls()
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError:
            log.warning("no spans: OpenTelemetry is not installed (pip install 'autopicker-lab[otel]')")
            return cls()
        provider = TracerProvider(resource=Resource.create({"service.name": "autopicker"}))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        return cls(provider.get_tracer("autopicker_lab"))

    def record_answer(self, answer: AnswerRecord, provider: str, cost_usd: float) -> None:
        """Record a span from the request to the end of its answer; `provider` is the model's."""
        if self._tracer is None:
            return
        route = answer.route
        attributes: dict[str, Any] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": answer.model,
            "gen_ai.response.model": answer.model,
            "gen_ai.response.id": answer.id,
            "gen_ai.response.finish_reasons": [answer.finish_reason],
            "gen_ai.usage.input_tokens": answer.usage.prompt_tokens,
            "gen_ai.usage.output_tokens": answer.usage.completion_tokens,
            "autopicker.request_id": answer.request_id,
            "autopicker.cost_usd": cost_usd,
            "autopicker.fallback_used": answer.fallback_used,
        }
        if route is not None:
            attributes |= {"autopicker.complexity": route.complexity.score, "autopicker.reason": route.reason}
        if answer.first_token_s is not None:
            attributes["gen_ai.server.time_to_first_token"] = answer.first_token_s
        self._span(f"chat {answer.model}", attributes, answer.total_s or 0.0, answer.traceparent, None)

    def record_failure(self, model: str, error: AutopickerError, seconds: float, traceparent: str) -> None:
        """Record a span of `seconds` for a request that got no answer; `model` is the one that it named, or auto."""
        if self._tracer is not None:
            attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": model}
            self._span(f"chat {model}", attributes, seconds, traceparent, error)

    def _span(
        self, name: str, attributes: dict[str, Any], seconds: float, traceparent: str, error: AutopickerError | None
    ) -> None:
        from opentelemetry.trace import SpanKind, Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        assert self._tracer is not None
        end = time.time_ns()
        context = TraceContextTextMapPropagator().extract({"traceparent": traceparent}) if traceparent else None
        span = self._tracer.start_span(
            name, context, SpanKind.CLIENT, attributes, start_time=end - round(seconds * 1e9)
        )
        if error is not None:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR, error.loggable))
        span.end(end)
