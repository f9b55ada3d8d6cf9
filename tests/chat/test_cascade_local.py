"""A cascade from the real model of this machine, whose answers have log-probabilities of their own."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.upstream import upstream

from autopicker_lab import Settings, Workbench
from autopicker_lab.core import Cascade
from autopicker_lab.routing import default_policy
from autopicker_lab.settings import ModelConfig


@pytest.mark.slow
def test_answers_of_the_local_model_are_kept_or_not_by_their_signal(tmp_path: Path) -> None:
    with upstream() as up:
        models = (
            ModelConfig(name="small", type="local", quality=0.2),
            ModelConfig(name="large", type="openai", endpoint=up.url, quality=0.9),
        )
        cascade = Cascade("small", "large", "logprob_min", (-20.0, 0.0), (0.0, 1.0), (1.0, 0.0), always=True)
        question = "What is the capital of France? Answer with one word."
        lab = Workbench(Settings.load(models=models, autopicker_home=tmp_path))
        try:
            for least_gain, went_up in ((0.99, False), (-1.0, True)):
                lab.pipeline.policy = replace(default_policy(), cascade=replace(cascade, least_gain=least_gain))
                reply = lab.ask(question, max_tokens=8)
                trace = reply.cascade
                assert trace is not None
                assert trace.value is not None
                assert trace.value < 0
                assert (trace.went_up, reply.model) == (went_up, "large" if went_up else "small")
                streamed = lab.stream(question, max_tokens=8)
                text = "".join(chunk.content for chunk in streamed)
                assert text
        finally:
            lab.close()
