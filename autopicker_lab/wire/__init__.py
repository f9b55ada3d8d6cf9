"""The client's side of HTTP and of chat streams, for whoever asks a server many times a second."""

from autopicker_lab.wire.client import KEEP_S, Answer, Wire
from autopicker_lab.wire.connection import WireError
from autopicker_lab.wire.events import EventReader

__all__ = ["KEEP_S", "Answer", "EventReader", "Wire", "WireError"]
