"""Who may ask: origins, the one key of API_KEY, and the keys of the key file with their limits and budgets."""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autopicker_lab.core import AuthenticationError, SettingsError
from autopicker_lab.storage import ApiKey, KeyFile, digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autopicker_lab.settings import Settings

INTERNAL_HEADER = b"x-autopicker-internal"
_RELOAD_S = 2.0
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, as far as its key tells.

    Attributes:
        id: what answers are cached and requests are counted under; "" where access is open.
        key: of the key file; None where access is open, and for the one key of API_KEY.
        period: the day or month that the request is paid in, however long it takes.
    """

    id: str = ""
    key: ApiKey | None = None
    period: str = ""

    @property
    def account(self) -> tuple[str, str]:
        """What its spending is counted under in the ledger."""
        return self.id, self.period

    @property
    def limit(self) -> tuple[int, int] | None:
        """(requests, seconds) where the key has a limit of its own."""
        return (self.key.requests, self.key.window_s) if self.key is not None and self.key.requests else None

    def rate_limit_key(self, address: str) -> str:
        """What its requests are counted under: the key where that has a limit of its own, else the address."""
        return f"key {self.id}" if self.limit else address

    @property
    def models(self) -> frozenset[str] | None:
        """Ids of the models that it may use; None: all."""
        return frozenset(self.key.models) if self.key is not None and self.key.models is not None else None


ANONYMOUS = Caller()
_OPERATOR = Caller("api-key")


class Authenticator:
    """Identifies callers by their keys: API_KEY, and those of the key file, which is read again as it changes."""

    def __init__(self, settings: Settings):
        self._operator_key = settings.api_key.get_secret_value().encode() if settings.api_key else None
        self._file = KeyFile(settings.keys_path)
        self._keys: Mapping[str, ApiKey] = self._file.keys()
        self._damaged = False
        if settings.api_keys_file and not self._file.exists:
            detail = f"API_KEYS_FILE: there is no file '{settings.api_keys_file}'"
            raise SettingsError(detail, "make it with `autopicker keys create`, or correct the path")
        self._read_at = time.monotonic()

    @property
    def open(self) -> bool:
        """Whether no key is needed: a key file without keys lets nobody in, so that revoking the last opens nothing."""
        return self._operator_key is None and not self._file.exists

    def identify(self, key: str | None) -> Caller:
        """The caller with this key; AuthenticationError where one is needed and this is none."""
        if time.monotonic() - self._read_at > _RELOAD_S:
            self.refresh()
        if self.open:
            return ANONYMOUS
        if key:
            if self._operator_key is not None and hmac.compare_digest(
                key.encode("utf-8", "replace"), self._operator_key
            ):
                return _OPERATOR
            api_key = self._keys.get(digest(key))  # of a hash, so that its timing tells nothing about the key
            if api_key is not None:
                return Caller(api_key.id, api_key, api_key.current_period())
        what = "the API key is wrong" if key else "an API key is required"
        raise AuthenticationError(what, "send it as X-API-Key or Authorization: Bearer")

    def knows(self, caller: Caller) -> bool:
        """Whether a caller who was identified before would be let in now."""
        if caller.key is not None:
            return caller.key.sha256 in self._keys
        return caller is not ANONYMOUS or self.open

    def refresh(self) -> None:
        """Read the file's keys again; where it cannot be read, those known so far stay."""
        self._read_at = time.monotonic()
        try:
            self._keys = self._file.keys()
        except (SettingsError, OSError) as error:
            if not self._damaged:
                log.error("%s: the keys that were known stay", error)
            self._damaged = True
        else:
            self._damaged = False


def api_key_in(headers: Mapping[bytes, bytes]) -> str | None:
    """The key that a request brings, as X-API-Key or in Authorization; None where it brings none."""
    value = headers.get(b"x-api-key")
    if not value:
        scheme, _, rest = headers.get(b"authorization", b"").partition(b" ")
        value = rest if scheme.lower() == b"bearer" else scheme
    return value.strip().decode("utf-8", "replace") or None


class OnBehalf:
    """Marks what the service asks itself for a caller, so that it is counted under the caller's own address.

    Whoever sends such a request has the caller's key, or none: it may do what the caller may.
    """

    def __init__(self, settings: Settings):
        self._secret = settings.secret_key.get_secret_value().encode()

    def header(self, address: str) -> dict[str, str]:
        """The header of a request for the caller at an address, as `RateLimiter.client_address` has it."""
        return {INTERNAL_HEADER.decode(): f"{self._signature(address)} {address}"}

    def address(self, headers: Mapping[bytes, bytes]) -> str | None:
        """The address that a request is counted under; None for one that does not come from the service itself."""
        value = headers.get(INTERNAL_HEADER)
        if value is None:
            return None
        signature, _, address = value.decode("latin-1").partition(" ")
        genuine = hmac.compare_digest(signature.encode(), self._signature(address).encode())
        return address if genuine else None

    def _signature(self, address: str) -> str:
        return hmac.new(self._secret, b"for " + address.encode(), hashlib.sha256).hexdigest()
