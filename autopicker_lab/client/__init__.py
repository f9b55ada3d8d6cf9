"""Clients of the service: two for Python here, and the same for JavaScript in autopicker.mjs and .cjs beside them."""

from autopicker_lab.client.awaiting import AsyncAutopickerClient
from autopicker_lab.client.requests import ServiceError
from autopicker_lab.client.waiting import AutopickerClient

__all__ = ["AsyncAutopickerClient", "AutopickerClient", "ServiceError"]
