"""The client's side of HTTP and of chat streams, for whoever asks a server many times a second."""

from autopicker_lab.http_client.client import KEEP_S, HttpClient, HttpResponse
from autopicker_lab.http_client.connection import ConnectionBrokenError, NotHttpError
from autopicker_lab.http_client.events import EventReader

__all__ = ["KEEP_S", "ConnectionBrokenError", "EventReader", "HttpClient", "HttpResponse", "NotHttpError"]
