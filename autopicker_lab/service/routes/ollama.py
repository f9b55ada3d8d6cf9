"""What Ollama's clients ask beside chats: which models there are, and vectors; the chats are dialects/ollama.py."""

from __future__ import annotations

import asyncio
import hashlib
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from autopicker_lab import __version__
from autopicker_lab.core import InvalidRequestError, ModelSpec
from autopicker_lab.routing import AUTO
from autopicker_lab.service.dialects.ollama_request import LATEST
from autopicker_lab.service.request.auth import Caller
from autopicker_lab.service.routes.embeddings import InputField
from autopicker_lab.service.routes.json_route import JsonRoute
from autopicker_lab.service.state import CurrentCaller, ServiceState, State, while_connected

router = APIRouter(prefix="/api", tags=["ollama"], route_class=JsonRoute)
API_VERSION = "0.13.0"  # of Ollama, whose API this is: clients refuse versions that they take for too old
_KEPT = timedelta(hours=1)  # models are not let go; clients want a time
_USES = {"text": "completion", "images": "vision", "tools": "tools", "embeddings": "embedding"}
_NS = 1_000_000_000
_STARTED = datetime.now(UTC)


class ModelBody(BaseModel):
    """Names a model, by either of the names that Ollama's clients have for it."""

    model_config = ConfigDict(protected_namespaces=())

    model: str | None = None
    name: str | None = None

    @property
    def wanted(self) -> str:
        """The model's name without ":latest"."""
        if not (self.model or self.name):
            raise InvalidRequestError("The 'model' field is required", "GET /api/tags lists them", param="model")
        return (self.model or self.name or "").removesuffix(LATEST)


class EmbedBody(ModelBody):
    """Texts to be made vectors of."""

    input: InputField
    dimensions: int | None = None


class OldEmbeddingsBody(ModelBody):
    """One text to be made a vector of, as clients before /api/embed ask."""

    prompt: str


@router.get("/version", summary="The version of Ollama's API that is spoken")
async def version() -> dict[str, str]:
    """`version` is Ollama's, `autopicker` the service's own."""
    return {"version": API_VERSION, "autopicker": __version__}


@router.get("/tags", summary="The catalogue, Ollama's format")
async def tags(state: State, caller: CurrentCaller) -> dict[str, Any]:
    """`auto` and the models that the caller may use."""
    auto = ModelSpec(AUTO, "autopicker")
    return {"models": [_entry(spec) for spec in (auto, *_specs(state, caller))]}


@router.get("/ps", summary="Models that answer now, Ollama's format")
async def running(state: State, caller: CurrentCaller) -> dict[str, Any]:
    """Those of the caller's models that would answer a request now."""
    answers = await state.lab.catalogue.availability()
    up = [spec for spec in _specs(state, caller) if spec.id not in answers or answers[spec.id].ok]
    rows = [{**_entry(spec), "expires_at": _text_of(datetime.now(UTC) + _KEPT), "size_vram": 0} for spec in up]
    return {"models": [{**row, "context_length": spec.context_window} for row, spec in zip(rows, up, strict=True)]}


@router.post("/show", summary="One model, Ollama's format")
async def show(body: ModelBody, state: State, caller: CurrentCaller) -> dict[str, Any]:
    """What it can do, and how much it can read."""
    spec = _spec(body.wanted, state, caller)
    entry = _entry(spec)
    about = {"general.architecture": "autopicker", "autopicker.context_length": spec.context_window}
    uses = [use for capability, use in _USES.items() if capability in spec.capabilities]
    return {
        "modelfile": f"FROM {spec.id}",
        "parameters": "",
        "template": "",
        "details": entry["details"],
        "model_info": {**about, "general.basename": spec.id},
        "capabilities": uses,
        "modified_at": entry["modified_at"],
    }


@router.post("/embed", summary="Vectors of texts, Ollama's format")
async def embed(body: EmbedBody, request: Request, state: State, caller: CurrentCaller) -> Response:
    """As /v1/embeddings."""
    started_at = time.perf_counter()
    arguments: Any = (caller, body.wanted, body.input, body.dimensions, {})
    model, made, tokens = await while_connected(request, lambda: state.embed(*arguments))
    duration = int((time.perf_counter() - started_at) * _NS)
    counts = {"total_duration": duration, "load_duration": 0, "prompt_eval_count": tokens}
    return await _json({"model": model, "embeddings": made.vectors, **counts})


@router.post("/embeddings", summary="The vector of one text, Ollama's older format")
async def old_embeddings(
    body: OldEmbeddingsBody, request: Request, state: State, caller: CurrentCaller
) -> dict[str, Any]:
    """As /api/embed, for one text."""
    arguments: Any = (caller, body.wanted, [body.prompt], None, {})
    _, made, _ = await while_connected(request, lambda: state.embed(*arguments))
    return {"embedding": made.vectors[0].tolist()}


async def _json(answer: dict[str, Any]) -> Response:
    """An answer with vectors, written off the event loop."""
    content = await asyncio.to_thread(orjson.dumps, answer, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(content, media_type="application/json")


def _specs(state: ServiceState, caller: Caller) -> list[ModelSpec]:
    """The models that a caller may use, those that only make vectors last."""
    known = {spec.id: spec for spec in (*state.lab.catalogue.specs(), *state.lab.embedder.specs())}
    return [spec for spec in known.values() if caller.models is None or spec.id in caller.models]


def _spec(name: str, state: ServiceState, caller: Caller) -> ModelSpec:
    """The model of a name; UnknownModelError for one that there is not, or not for this caller."""
    specs = _specs(state, caller)
    if name == AUTO:
        chats = [spec for spec in specs if spec.chats]
        capabilities = frozenset().union(*(spec.capabilities for spec in chats)) | {"text"}
        return ModelSpec(AUTO, "autopicker", capabilities=capabilities, context_window=_largest(chats))
    spec = next((spec for spec in specs if spec.id == name), None)
    return spec or state.lab.catalogue.get(name, caller.models).describe()


def _text_of(when: datetime) -> str:
    return when.isoformat().replace("+00:00", "Z")


def _largest(specs: list[ModelSpec]) -> int:
    return max((spec.context_window for spec in specs), default=8192)


def _entry(spec: ModelSpec) -> dict[str, Any]:
    name = spec.id if ":" in spec.id else spec.id + LATEST
    details = {"parent_model": "", "format": spec.provider, "family": spec.provider, "families": [spec.provider]}
    return {
        "name": name,
        "model": name,
        "modified_at": _text_of(_STARTED),
        "size": 0,
        "digest": hashlib.sha256(spec.id.encode()).hexdigest(),
        "details": {**details, "parameter_size": "", "quantization_level": ""},
    }
