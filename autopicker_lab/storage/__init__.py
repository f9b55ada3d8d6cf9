"""What outlives a request: uploads, cached answers, routing decisions."""

from autopicker_lab.storage.cache import CacheStats, MemoryCache, RedisCache
from autopicker_lab.storage.decisions import DecisionLog
from autopicker_lab.storage.uploads import FileStore, StoredFile

__all__ = ["CacheStats", "DecisionLog", "FileStore", "MemoryCache", "RedisCache", "StoredFile"]
