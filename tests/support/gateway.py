"""The service in front of an upstream of the tests' own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from autopicker_lab import Settings, Workbench
from autopicker_lab.service import create_app
from autopicker_lab.service.request import json_body
from autopicker_lab.settings import ModelConfig
from support.serving import serving


def model(url: str, **fields: Any) -> ModelConfig:
    """The one model "m" of an upstream; impatient, so that tests are not."""
    return ModelConfig(name="m", type="openai", endpoint=url, **{"timeout_s": 1.0, **fields})


def patient(up: Any) -> ModelConfig:
    """The one model "m" of an upstream that is slow on purpose."""
    return model(up.url, timeout_s=30.0)


@contextmanager
def gateway(*upstreams: Any, **settings: Any) -> Iterator[str]:
    """The address of a service whose models are ModelConfigs, or an upstream's "m"; it has uploads of its own."""
    models = tuple(one if isinstance(one, ModelConfig) else model(one.url) for one in upstreams)
    with tempfile.TemporaryDirectory() as uploads:
        own: dict[str, Any] = {"cache_ttl": 0, "rate_limit_requests": 100_000}
        own |= {} if "autopicker_home" in settings else {"storage_url": f"file://{uploads}"}
        made = Settings.load(models=models, **{**own, **settings})
        with serving(create_app(Workbench(made)), max_message_size=json_body.max_bytes(made)) as base:
            yield base
