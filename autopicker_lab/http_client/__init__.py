"""An HTTP client and a reader of chat streams, for many requests a second to one server."""

from autopicker_lab.http_client.choices import choice_index, read_message
from autopicker_lab.http_client.client import KEEP_S, HttpClient, HttpResponse
from autopicker_lab.http_client.connection import ConnectionBrokenError, NotHttpError
from autopicker_lab.http_client.decoding import DecodingError
from autopicker_lab.http_client.events import EventReader, chunk_of_completion
from autopicker_lab.http_client.proxy import NO_PROXY, ProxyError, is_loopback, proxy_address
from autopicker_lab.http_client.reported import FailureReport

__all__ = [
    "KEEP_S",
    "NO_PROXY",
    "ConnectionBrokenError",
    "DecodingError",
    "EventReader",
    "FailureReport",
    "HttpClient",
    "HttpResponse",
    "NotHttpError",
    "ProxyError",
    "choice_index",
    "chunk_of_completion",
    "is_loopback",
    "proxy_address",
    "read_message",
]
