"""What the service does beside requests: it keeps its home to itself, and forgets uploads that are too old."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from autopicker_lab.core import StorageError
from autopicker_lab.runtime.private_files import make_private_folder, restrict

if TYPE_CHECKING:
    from pathlib import Path

    from autopicker_lab.storage import FileStore

_LONGEST_PAUSE_S = 300.0
log = logging.getLogger(__name__)


def secure_home(home: Path) -> None:
    """Make AUTOPICKER_HOME, or take the rights of others from it and from what stands in it."""
    try:
        make_private_folder(home)
        restrict(home)
        for entry in home.iterdir():
            restrict(entry)
    except OSError as error:
        raise StorageError.of(error, home) from None


async def forget_old_uploads(files: FileStore, ttl_s: float) -> None:
    """Forget the uploads that are older than UPLOAD_TTL, again and again until it is cancelled."""
    while ttl_s:
        try:
            forgotten = await asyncio.to_thread(files.expire)
            if forgotten:
                log.info("forgot %d uploads that were older than UPLOAD_TTL", forgotten)
        except Exception as error:  # whatever the storage raises: it may be back the next time
            log.warning("old uploads could not be forgotten: %s", type(error).__name__)
        await asyncio.sleep(min(max(1.0, ttl_s / 4), _LONGEST_PAUSE_S))
