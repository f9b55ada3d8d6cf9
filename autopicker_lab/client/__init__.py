"""Clients of the service: AutopickerClient here, and the same for JavaScript in autopicker.mjs beside it."""

from autopicker_lab.client.python import AutopickerClient, ServiceError

__all__ = ["AutopickerClient", "ServiceError"]
