"""What the answer to a chat request is cached under: all that it depends on."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import orjson

from autopicker_lab import __version__
from autopicker_lab.core import ChatRequest, InvalidRequestError
from autopicker_lab.service.request.auth import api_key_in

if TYPE_CHECKING:
    from autopicker_lab.service.request.context import RequestContext
    from autopicker_lab.service.state import ServiceState

_NOT_IN_KEY = frozenset({"stream_options", "user"})  # options that change nothing in the answer


def cache_key(state: ServiceState, context: RequestContext, request: ChatRequest, with_files: bool) -> str | None:
    """A key for requests that want the same answer again; None where variety or freshness is asked for.

    None for logprobs, too: a stream's are not put together again.

    Args:
        with_files: the answer says which files were read.
    """
    headers, options = context.headers, request.options
    if state.lab.settings.cache_ttl == 0 or options.get("logprobs") or options.get("temperature", 0) > 0:
        return None
    if b"no-cache" in headers.get(b"cache-control", b""):
        return None
    parts = [
        context.caller.id or api_key_in(headers),
        sorted(request.allowed) if request.allowed is not None else None,
        with_files,
        __version__,
        state.lab.pipeline.policy_of(request).id,
        state.lab.catalogue.fingerprint(request.model),
        request.model,
        request.messages,
        request.file_ids,
        [reading.whole, reading.max_calls, reading.max_usd] if (reading := request.reading) else None,
        {name: value for name, value in options.items() if name not in _NOT_IN_KEY},
    ]
    try:
        return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()
    except TypeError as error:  # orjson's own kind of it
        raise InvalidRequestError(f"the request cannot be passed on: {error}", "nest it less deeply") from None
