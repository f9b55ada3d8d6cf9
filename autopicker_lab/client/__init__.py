"""Clients of the service: two for Python here, and the same for JavaScript in autopicker.mjs and .cjs beside them."""

from autopicker_lab.client.async_client import AsyncAutopickerClient
from autopicker_lab.client.sync_client import AutopickerClient
from autopicker_lab.core import ServiceError

__all__ = ["AsyncAutopickerClient", "AutopickerClient", "ServiceError"]
