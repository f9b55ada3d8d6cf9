"""Whether a request to an OpenAI-compatible server would work, asked without asking for an answer."""

from __future__ import annotations

import asyncio
import difflib
import ssl
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import orjson

from autopicker_lab.core.addresses import public_address
from autopicker_lab.http_client import ConnectionBrokenError, HttpClient
from autopicker_lab.models.base import Availability

if TYPE_CHECKING:
    from autopicker_lab.core import ModelSpec
    from autopicker_lab.models.life import SignsOfLife

PROBE_S = 3.0
_KNOWN_S = 60.0  # how long a model that its server lists is not looked for in the list again
START = "start its server or check the endpoint and the network"


class Probe:
    """Asks the server of one model what a request to it needs: an address that answers, a key, the model's name."""

    def __init__(self, spec: ModelSpec, life: SignsOfLife):
        self._spec = spec
        self._life = life
        self._known_until = 0.0
        self._is_page = False

    async def ask(self, client: HttpClient) -> Availability:
        """Whether a request would work now; a server that shows otherwise that it is alive counts as answering."""
        endpoint = self._spec.address
        try:
            async with asyncio.timeout(PROBE_S):
                return await self._asked(client)
        except (TimeoutError, ConnectionBrokenError):
            if self._life.shown:
                return Availability(True)
            return Availability(False, f"{endpoint} does not answer", "look whether its server hangs, or start it")
        except ssl.SSLError as error:
            why = f"{endpoint} cannot be trusted: {getattr(error, 'verify_message', '') or error.reason or error}"
            hint = "write http:// if its server knows no TLS, or name its certificate in SSL_CERT_FILE"
            return Availability(False, why, hint)
        except (OSError, ValueError):
            return Availability(False, f"{endpoint} does not answer", START)

    async def _asked(self, client: HttpClient) -> Availability:
        status, raw, location = await self._get(client, "/models")
        if status >= 500 and status != 501:
            return Availability(self._life.shown, f"{self._spec.address} answers {status}", "try again later")
        if 300 <= status < 400:
            there = public_address(location.removesuffix("/models"))
            hint = f"write endpoint: {there}" if location else "check its endpoint"
            return Availability(False, f"{self._spec.address} answers {status}", hint)
        if time.monotonic() < self._known_until and status == 200:
            return Availability(True)
        if status == 200 and (names := _names(raw)) is not None:
            return await self._listed(client, names)
        return await self._without_list(client, status)

    async def _listed(self, client: HttpClient, names: dict[str, Any]) -> Availability:
        """Whether the model is one of those that its server lists, or knows by another name."""
        name = self._spec.model or self._spec.id
        if not names or _is_listed(name, names) or (await self._get(client, f"/models/{quote(name)}"))[0] == 200:
            self._known_until = time.monotonic() + _KNOWN_S
            return Availability(True)
        near = difflib.get_close_matches(name, names, 1)
        meant = f"did you mean '{near[0]}'? " if near else ""
        some = ", ".join(list(names)[:8]) + (" ..." if len(names) > 8 else "")
        return Availability(False, f"{self._spec.address} has no model '{name}'", f"{meant}it has {some}")

    async def _without_list(self, client: HttpClient, status: int) -> Availability:
        """Where /models tells nothing: some servers have no list, of others it is elsewhere."""
        spec = self._spec
        if status in (401, 403):
            return Availability(False, f"{spec.address} refused the API key", f"set api_key of '{spec.id}'")
        if "/v1" not in urlsplit(spec.endpoint).path:
            found, raw, _ = await self._get(client, "/v1/models")
            if found == 200 and _names(raw) is not None:
                address = spec.address.partition("?")[0].rstrip("/")
                why = f"{spec.address} is not where its API begins"
                return Availability(False, why, f"write endpoint: {address}/v1")
        if status == 200 and self._is_page:
            why = f"{spec.address} answers with a page, not as an OpenAI-compatible server"
            return Availability(False, why, "write the address of its API, which mostly ends in /v1")
        return Availability(True)

    async def _get(self, client: HttpClient, path: str) -> tuple[int, Any, str]:
        """Status, JSON (None for none) and Location of an answer."""
        answer = await client.request("GET", path)
        try:
            headers = answer.headers
            if path == "/models":
                self._is_page = headers.get("content-type", "").startswith("text/html")
            if answer.status != 200 or (path == "/models" and time.monotonic() < self._known_until):
                return answer.status, None, headers.get("location", "")
            return 200, orjson.loads(await answer.read()), ""
        except orjson.JSONDecodeError:
            return 200, None, ""
        finally:
            answer.close()


def _names(raw: Any) -> dict[str, Any] | None:
    """The models in a list, by id; None where it is none. Servers that answer to any name list nothing."""
    rows = raw.get("data", raw.get("models")) if isinstance(raw, dict) else raw
    if not isinstance(rows, list):
        return None
    names = {str(row.get("id") or row.get("name")): row for row in rows if isinstance(row, dict)}
    return {} if any(row.get("owned_by") == "llamacpp" for row in names.values()) else names


def _is_listed(name: str, names: dict[str, Any]) -> bool:
    """Whether a name is in a list: by itself, with its tag, its variant, the folder of its list, or as an alias."""
    forms = {name, name.removesuffix(":latest"), f"{name}:latest", f"models/{name}", name.removeprefix("models/")}
    if "/" in name:
        forms.add(name.rpartition(":")[0] or name)  # OpenRouter's variants
    forms = {form.lower() for form in forms}
    listed = {listed.lower() for listed in names}
    if forms & listed:
        return True
    others = [row.get(field) for row in names.values() for field in ("aliases", "root", "canonical_slug")]
    return any(name == other or (isinstance(other, list) and name in other) for other in others)
