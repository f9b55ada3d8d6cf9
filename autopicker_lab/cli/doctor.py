"""The checks of `autopicker doctor`: what works on this machine, what does not, and what to do about it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version

from autopicker_lab import assets
from autopicker_lab.core import AutopickerError, MissingPackageError
from autopicker_lab.core.optional import EXTRAS, PURPOSES, install_line, missing, require
from autopicker_lab.extraction import formats
from autopicker_lab.extraction.ocr import engines
from autopicker_lab.extraction.registry import broken_entry_points
from autopicker_lab.models.notes import notes
from autopicker_lab.routing import unknown_models
from autopicker_lab.transcription.local_models import downloaded
from autopicker_lab.workbench import Workbench

_ENGINES = {
    "pdf": ("pypdfium2", "pypdf"),
    "office": ("lxml", "msoffcrypto-tool", "python-calamine", "openpyxl"),
    "web": ("lxml",),
    "code": ("tree-sitter", "tinycss2"),
    "text": ("chardet",),
}


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes:
        ok: whether the part works.
        detail: what there is, or what is wrong and what to do about it.
        needed: whether the lab does not work without the part.
    """

    name: str
    ok: bool
    detail: str
    needed: bool = True


def examine(lab: Workbench, ask: bool = False) -> list[Check]:
    """Check every part; it takes a few seconds, because the models are really loaded.

    Args:
        ask: ask each model that answers for one token.
    """
    return [
        _check("formats", lambda: f"{len(formats())} formats: {', '.join(formats())}"),
        *_engines(),
        _check(
            "reading", lambda: f"{lab.extract(assets.samples() / 'report.pdf').token_count} tokens of the sample PDF"
        ),
        _check("pictures", lambda: f"OCR reads {_first_line(lab)!r}"),
        _check(
            "speech", lambda: f"{lab.transcriber.model}: {lab.transcribe(assets.samples() / 'announcement.ogg').text}"
        ),
        *_weights(lab),
        *_models(lab, ask),
        *_catalogue(lab),
        _check("uploads", lambda: f"kept at {lab.settings.uploads_url} ({len(lab.files.list())} files)"),
        _check("policy", lambda: _policy(lab)),
        *_extras(),
        Check("disk", shutil.disk_usage("/").free > 2**30, f"{shutil.disk_usage('/').free / 2**30:.0f} GiB free"),
    ]


def _extras() -> Iterator[Check]:
    """Each extra, whether it is installed, and the line that installs it where it is not."""
    for extra in EXTRAS:
        packages = missing(extra)
        detail = f"no {', '.join(packages)}: {install_line(extra)}" if packages else "installed"
        yield Check(f"extra {extra}", not packages, f"{PURPOSES[extra]}: {detail}", needed=False)


def _engines() -> Iterator[Check]:
    """Check what reads each family of formats, and name its versions and what could be added."""
    for family, packages in _ENGINES.items():
        versions = [
            f"{package} {version(package)}" if _has_package(package) else f"no {package}" for package in packages
        ]
        yield Check(f"engine {family}", all(map(_has_package, packages)), ", ".join(versions))
    for name, why in broken_entry_points().items():
        yield Check(f"format {name}", False, f"{why}: mend or uninstall the package that brings it", needed=False)
    if engines():
        yield Check("engine ocr", True, "; ".join(engines()))
    if len(engines()) > 1 and engines()[0].endswith("(eng)"):
        more = "scans in other languages: apt-get install tesseract-ocr-deu (or -fra, -kor, ...)"
        yield Check("ocr languages", False, more, needed=False)


def _weights(lab: Workbench) -> Iterator[Check]:
    """The weights of the speech model, and others that were downloaded."""
    if why := lab.transcriber.card_fails:
        told = f"the processor is used: {why}; faster-whisper's page names the libraries of CUDA that it needs"
        yield Check("speech on the graphics card", False, told, needed=False)
    yield _check("speech weights", lambda: f"{lab.transcriber.model}: {lab.transcriber.weights()}")
    if not missing("speech") and (others := downloaded()):
        told = ", ".join(f"{name} ({size / 1e6:,.0f} MB)" for name, size in others)
        yield Check("speech models", True, f"{told}: WHISPER_MODEL names the one to use", needed=False)


def _has_package(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def _models(lab: Workbench, ask: bool) -> Iterator[Check]:
    models = lab.models()
    usable = any(available.ok for _, available in models)
    for spec, available in models:
        detail = f"{spec.provider}, {'answers' if available.ok else f'{available.why}: {available.hint}'}"
        yield Check(spec.id, available.ok, detail, needed=not usable)
        if ask and available.ok and spec.chats:
            yield _check(f"ask {spec.id}", partial(_one_token, lab, spec.id))
    if usable:
        yield _check("answering", lambda: f"{(reply := lab.ask('Say hello.', max_tokens=12)).model}: {reply.text!r}")


def _one_token(lab: Workbench, model: str) -> str:
    """What a model makes of the shortest request there is; AutopickerError where it fails."""
    reply = lab.ask("Say hello.", model=model, max_tokens=1)
    return f"one token in {reply.total_s or 0.0:.1f} s, finish_reason {reply.finish_reason}"


def _catalogue(lab: Workbench) -> Iterator[Check]:
    """What whoever wrote the catalogue should know of it."""
    for note in notes(lab.settings.catalogue()):
        yield Check("catalogue", not note.is_fault, note.text, needed=False)


def _check(name: str, probe: Callable[[], str]) -> Check:
    try:
        return Check(name, True, probe())
    except MissingPackageError as error:
        return Check(name, False, str(error), needed=False)
    except (AutopickerError, OSError) as error:
        return Check(name, False, str(error))


def _first_line(lab: Workbench) -> str:
    if not engines():
        require("tesserocr")
    return lab.extract(assets.samples() / "sign.jpg").text.split("\n")[0]


def _policy(lab: Workbench) -> str:
    policy = lab.policy
    if policy.estimator is None or policy.by_tiers:
        return f"{policy.id}, tiers from {', '.join(f'{tier.min_score:g}' for tier in policy.tiers)}"
    words = f"{policy.id}, estimates of {', '.join(policy.estimator.models)}, cost weight {policy.cost_weight:.4g}"
    return "; ".join((words, *unknown_models(policy, lab.catalogue.specs())))
