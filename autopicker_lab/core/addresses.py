"""Addresses as they may be shown: without the passwords and keys that stand in them."""

from __future__ import annotations

from urllib.parse import urlsplit

HIDDEN = "***"


def public_address(url: str) -> str:
    """An address without user, password, the values of its query and its fragment; what is no address is hidden."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return HIDDEN
    if "@" in parts.path or (url and not host):
        return HIDDEN
    query = "&".join(f"{pair.partition('=')[0]}={HIDDEN}" for pair in parts.query.split("&") if pair)
    shown = f"{parts.scheme}://{host}{parts.path}" if parts.scheme else f"{host}{parts.path}"
    return f"{shown}?{query}" if query else shown


def secrets_in(url: str) -> list[str]:
    """The user, the password and the values of the query of an address, as they stand there."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return [url]
    user = parts.netloc.rpartition("@")[0]
    values = [pair.partition("=")[2] for pair in parts.query.split("&")]
    return [text for text in (user, *user.split(":", 1), *values) if text]


def without_secrets(text: str, secrets: list[str]) -> str:
    """A text in which none of these stands; those of under four characters are no secrets."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) >= 4:
            text = text.replace(secret, HIDDEN)
    return text
