"""What outlives a request: uploads, cached answers, routing decisions, keys and what they spent."""

from autopicker_lab.storage.cache import CacheStats, MemoryCache, RedisCache
from autopicker_lab.storage.decision import Decision, DecisionLog
from autopicker_lab.storage.decision_file import FileLog
from autopicker_lab.storage.decisions import open_log
from autopicker_lab.storage.keys import ApiKey, KeyFile, digest
from autopicker_lab.storage.ledger import Ledger, open_ledger
from autopicker_lab.storage.responses import ResponseStore, StoredResponse
from autopicker_lab.storage.uploads import FileStore, OwnedFiles, StoredFile

__all__ = [
    "ApiKey",
    "CacheStats",
    "Decision",
    "DecisionLog",
    "FileLog",
    "FileStore",
    "KeyFile",
    "Ledger",
    "MemoryCache",
    "OwnedFiles",
    "RedisCache",
    "ResponseStore",
    "StoredFile",
    "StoredResponse",
    "digest",
    "open_ledger",
    "open_log",
]
