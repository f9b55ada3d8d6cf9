from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import httpx
import pytest
from support.ollama_server import FakeOllama
from support.serving import free_port, serving

from autopicker_lab import Settings, Workbench, assets
from autopicker_lab.service import create_app

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # in all processes: test processes share the cores
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # in what a script starts with "&"; its children would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Begun first where several processes share the tests, so that none is left with one of these when the others are done.
LONGEST = (
    "notebooks/test_notebooks.py",
    "notebooks/test_browser.py",
    "test_documentation.py",
    "notebooks/test_benchmarks.py",
    "live/test_whole_loop.py",
    "service/test_contract.py",
    "tuning/test_tuning.py",
    "cli/test_cli.py",
    "service/test_compatibility.py",
    "models/test_local_schema.py",
    "models/test_local_process.py",
    "widgets/test_widgets.py",
    "service/test_service.py",
    "runtime/test_executors.py",
    "extraction/test_mutants.py",
    "transcription/test_transcription.py",
    "chat/test_chat.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files of LONGEST first."""
    rank = {Path(__file__).parent / name: i for i, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


@pytest.fixture(scope="session", autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No setting of whoever runs the tests reaches them."""
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)
    os.environ["AUTOPICKER_HOME"] = str(tmp_path_factory.mktemp("home"))
    os.environ["RETRIEVAL_ENCODER"] = (
        "off"  # what is tested with one brings its own, and does not read in the background
    )
    os.environ["OLLAMA_HOST"] = f"http://127.0.0.1:{free_port()}"  # nobody listens there


@pytest.fixture(scope="session", autouse=True)
def certificates_once() -> Iterator[None]:
    """httpx reads the certificates for each client, which takes longer than most requests: once in a process here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx._transports.default.create_ssl_context", cache(httpx.create_ssl_context))
        yield


@pytest.fixture(scope="session", autouse=True)
def few_draws() -> Iterator[None]:
    """Folds are drawn twice: ten draws are for figures to be told, not for tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autopicker_lab.tuning.learned.repeats_for", lambda scores: 2)
        yield


@pytest.fixture(scope="session")
def samples() -> Path:
    return assets.samples()


@pytest.fixture(scope="session")
def lab(clean_environment: None) -> Iterator[Workbench]:
    """One Workbench for all tests that do not change it: models stay loaded."""
    with Workbench() as bench:
        yield bench


@pytest.fixture
def fake_ollama() -> Iterator[tuple[FakeOllama, str]]:
    fake = FakeOllama()
    with serving(fake.app) as address:
        yield fake, address


@pytest.fixture(scope="session")
def service(clean_environment: None) -> Iterator[str]:
    """The address of a running service with the embedded model, limits out of the way."""
    settings = Settings.load(rate_limit_requests=100_000)
    with serving(create_app(Workbench(settings, isolate=True))) as address:
        yield address


def needs(program: str) -> pytest.MarkDecorator:
    """Skip by name where a system package is absent; .ci/run installs them all."""
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")
