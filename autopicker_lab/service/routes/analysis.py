"""Complexity, the catalogue, and feedback on answers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from fastapi import APIRouter

from autopicker_lab.chat import Attachment
from autopicker_lab.core import AutopickerError, ChatRequest, ModelSpec, NotFoundError
from autopicker_lab.models import Availability
from autopicker_lab.models.embedding import STATIC
from autopicker_lab.routing import AUTO, permitted_models
from autopicker_lab.service.request.auth import Caller
from autopicker_lab.service.routes.json_route import JsonRoute
from autopicker_lab.service.routes.schemas import AnalysisBody, ContextBody, FeedbackBody
from autopicker_lab.service.state import CurrentCaller, ServiceState, State

router = APIRouter(tags=["routing"], route_class=JsonRoute)
_CREATED, _CREATED_AT = 1760000000, "2025-10-09T08:53:20Z"


@router.post("/analyze-complexity", summary="Score a request and see where it would go")
async def analyze(body: AnalysisBody, state: State, caller: CurrentCaller) -> dict[str, Any]:
    """Calls no model. Files that are unknown or unreadable are named in `file_errors` and count for nothing."""
    fields: dict[str, Any] = {"model": body.model or AUTO, "file_ids": tuple(dict.fromkeys(body.file_ids or ()))}
    request = (await asyncio.to_thread(ChatRequest.of, body.messages, **fields)).with_allowed(caller.models)
    attachments, failures = await _attach_readable(request.file_ids, state, caller)
    route = await state.lab.pipeline.route(request, attachments)
    analysis = {
        "complexity_score": route.complexity.score,
        "selected_model": route.model,
        "reasoning": {
            "total_message_length": sum(len(message.text) for message in request.messages),
            "file_count": len(attachments),
            "file_types": sorted({attachment.document.kind for attachment in attachments}),
            "complexity_factors": {factor.name: factor.points for factor in route.complexity.factors},
            "explanations": {factor.name: factor.why for factor in route.complexity.factors},
            "decision": route.reason,
        },
        "candidates": [candidate._asdict() for candidate in route.candidates],
        "fallbacks": list(route.fallbacks),
        "estimated_tokens": route.complexity.tokens,
        "estimated_cost_usd": route.estimated_cost_usd,
        "policy": route.policy,
        "routing_score": round(route.score, 2),
        "warnings": list(route.warnings),
        "file_errors": failures,
    }
    return {"complexity_analysis": analysis}


@router.post("/context", summary="See what of some files a model would be given")
async def context(body: ContextBody, state: State, caller: CurrentCaller) -> dict[str, Any]:
    """Calls no model: the passages for the last question of `messages`, why each was chosen, and what was left out.

    Files that are unreadable are named in `file_errors`; an unknown one is a 404. With `reading.whole`, `plan` tells
    what it would take at most to read them from end to end: calls, tokens, USD.
    """
    file_ids = tuple(dict.fromkeys(body.file_ids))
    fields: dict[str, Any] = {"model": body.model or AUTO, "file_ids": file_ids}
    request = (await asyncio.to_thread(ChatRequest.of, body.messages, **fields)).with_allowed(caller.models)
    attachments, failures = await state.attach(file_ids, caller)
    pipeline = state.lab.pipeline
    found = await pipeline.context(request, attachments, body.budget)
    told: dict[str, Any] = {"context": found.to_dict() | {"file_errors": failures}}
    if body.reading is not None and body.reading.whole:
        request = replace(request, reading=body.reading.to_reading())
        route = await pipeline.route(request, attachments)
        told["plan"] = (await pipeline.reading.plan(route.model, request, attachments)).to_dict()
    return told


async def _attach_readable(
    file_ids: tuple[str, ...], state: ServiceState, caller: Caller
) -> tuple[list[Attachment], list[dict[str, str]]]:
    """The files that can be read, and for each of the others why not."""
    attachments: list[Attachment] = []
    failures: list[dict[str, str]] = []
    for file_id in file_ids:
        try:
            readable, _ = await state.attach([file_id], caller)
        except AutopickerError as error:
            failures.append({"file_id": file_id, "error": str(error)})
        else:
            attachments += readable
    return attachments, failures


@router.get("/models", summary="The catalogue")
async def models(state: State, caller: CurrentCaller) -> dict[str, Any]:
    """`auto` and the models that the caller may use, each with whether it answers now."""
    answers = await state.lab.catalogue.availability()
    allowed = caller.models
    specs = [spec for spec in state.lab.catalogue.specs() if allowed is None or spec.id in allowed]
    rows = [_model_entry(spec, answers.get(spec.id)) for spec in specs]
    chats = [row for spec, row in zip(specs, rows, strict=True) if spec.chats and row["available"]]
    capabilities = sorted({capability for row in chats for capability in row["capabilities"]})
    auto = {**_object(AUTO, "autopicker-lab"), "capabilities": capabilities, "available": bool(chats)}
    if STATIC in state.lab.embedder.specs() and (allowed is None or STATIC.id in allowed):
        rows.append(_model_entry(STATIC, Availability(True)))
    rows = [auto, *rows]
    return {"object": "list", "data": rows, "has_more": False, "first_id": AUTO, "last_id": rows[-1]["id"]}


@router.get("/models/{model_id:path}", summary="One model")
async def model(model_id: str, state: State, caller: CurrentCaller) -> dict[str, Any]:
    """By id or alias; 404 for one that is unknown, or that the caller may not use."""
    if model_id == AUTO:
        auto: dict[str, Any] = (await models(state, caller))["data"][0]
        return auto
    answers = await state.lab.catalogue.availability()
    if model_id == STATIC.id:
        spec = STATIC if caller.models is None else permitted_models([STATIC], caller.models, model_id)[0]
    else:
        spec = state.lab.catalogue.get(model_id, caller.models).describe()
    return _model_entry(spec, Availability(True) if spec is STATIC else answers.get(spec.id))


def _object(name: str, owner: str) -> dict[str, Any]:
    """A model as OpenAI's clients read it, and as Anthropic's do."""
    anthropic = {"type": "model", "display_name": name, "created_at": _CREATED_AT}
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": owner, **anthropic}


def _model_entry(spec: ModelSpec, answer: Availability | None) -> dict[str, Any]:
    return {
        **_object(spec.id, spec.provider),
        "capabilities": sorted(spec.capabilities),
        "available": answer is not None and answer.ok,
        "unavailable_because": None if answer is None or answer.ok else str(answer),
        "context_window": spec.context_window,
        "price_in": spec.price_in,
        "price_out": spec.price_out,
        "quality": spec.quality,
    }


@router.post("/feedback", summary="Say how good an answer was")
async def feedback(body: FeedbackBody, state: State, caller: CurrentCaller) -> dict[str, Any]:
    """Kept beside the routing decision, so that tuning can learn from it.

    Of many (`feedback`), those on unknown answers are named in `unknown`, and the others are kept.
    """
    if body.feedback is None:
        (one,) = body.judgements
        await state.store_feedback(one.request_id, caller, one.score, one.signal)
        said = {"score": one.score, "signal": one.signal}
        given = {name: value for name, value in said.items() if value is not None}
        return {"status": "stored", "request_id": one.request_id, **given}
    unknown = []
    for i, one in enumerate(body.judgements):
        try:
            await state.store_feedback(one.request_id, caller, one.score, one.signal, patient=i == 0)
        except NotFoundError:
            unknown.append(one.request_id)
    return {"status": "stored", "stored": len(body.judgements) - len(unknown), "unknown": unknown}
