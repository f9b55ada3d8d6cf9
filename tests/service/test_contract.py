"""The service against its own OpenAPI document: whatever is sent, no failure of ours and no undocumented status."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance
from support.gateway import gateway
from support.upstream import upstream

pytestmark = pytest.mark.slow

CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance)
EXAMPLES = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
OPERATIONS = [
    ("POST", "/api/v1/chat/completions"),
    ("POST", "/api/v1/chat/multimodal"),
    ("POST", "/api/v1/chat/multimodal-audio"),
    ("POST", "/api/v1/upload"),
    ("POST", "/api/v1/files"),
    ("GET", "/api/v1/files"),
    ("GET", "/api/v1/files/{file_id}"),
    ("GET", "/api/v1/files/{file_id}/content"),
    ("DELETE", "/api/v1/files/{file_id}"),
    ("POST", "/api/v1/transcribe/{file_id}"),
    ("POST", "/api/v1/audio/transcriptions"),
    ("POST", "/api/v1/audio/translations"),
    ("POST", "/api/v1/analyze-complexity"),
    ("POST", "/api/v1/context"),
    ("GET", "/api/v1/models"),
    ("GET", "/api/v1/models/{model_id}"),
    ("POST", "/api/v1/embeddings"),
    ("POST", "/api/v1/completions"),
    ("POST", "/api/v1/responses"),
    ("GET", "/api/v1/responses/{response_id}"),
    ("DELETE", "/api/v1/responses/{response_id}"),
    ("POST", "/api/v1/responses/{response_id}/cancel"),
    ("GET", "/api/v1/responses/{response_id}/input_items"),
    ("POST", "/api/v1/messages"),
    ("POST", "/api/v1/messages/count_tokens"),
    ("POST", "/api/chat"),
    ("POST", "/api/generate"),
    ("POST", "/api/embed"),
    ("POST", "/api/embeddings"),
    ("GET", "/api/tags"),
    ("GET", "/api/ps"),
    ("GET", "/api/version"),
    ("POST", "/api/show"),
    ("POST", "/api/v1/feedback"),
    ("GET", "/api/v1/monitoring/health"),
    ("GET", "/api/v1/performance/metrics"),
    ("POST", "/api/v1/performance/load-test"),
    ("GET", "/health"),
    ("GET", "/metrics"),
]


@pytest.fixture(scope="module")
def schema() -> Iterator[Any]:
    """Of a service with a well upstream, so that every 5xx would be its own."""
    with ExitStack() as stack:
        patched = stack.enter_context(pytest.MonkeyPatch.context())
        patched.setattr("autopicker_lab.storage.responses._WAITS_S", ())  # no other worker is about to write
        up = stack.enter_context(upstream())
        base = stack.enter_context(gateway(up, rate_limit_requests=10_000_000))
        yield schemathesis.openapi.from_url(f"{base}/openapi.json")


def test_every_operation_is_tried(schema: Any) -> None:
    operations = {(ok.ok().method.upper(), ok.ok().path) for ok in schema.get_all_operations()}
    assert operations == set(OPERATIONS)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_the_contract_holds(schema: Any, method: Any, path: Any) -> None:
    @EXAMPLES
    @given(case=schema[path][method].as_strategy())
    def holds(case: Any) -> None:
        if path.endswith("/load-test") and case.query:
            case.query = {**case.query, "concurrent_users": 1, "requests_per_user": 2}  # each would take seconds
        case.call_and_validate(checks=CHECKS)

    holds()
