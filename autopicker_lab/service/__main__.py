"""Serves the HTTP API: `python -m autopicker_lab.service [--host H] [--port P] [--workers N]`."""

from __future__ import annotations

import argparse
import sys

from autopicker_lab.core import AutopickerError
from autopicker_lab.service.server import DEFAULT_PORT, serve


def main() -> None:
    """Serve until stopped; a failure is one line on standard error and exit code 1."""
    parser = argparse.ArgumentParser("python -m autopicker_lab.service", description="Serve the HTTP API.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="port to listen on")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    options = parser.parse_args()
    if not 0 <= options.port <= 65535:
        parser.error("--port must be from 0 to 65535")
    if not 1 <= options.workers <= 64:
        parser.error("--workers must be from 1 to 64")
    try:
        serve(options.host, options.port, options.workers, announce=lambda text: sys.stderr.write(text + "\n"))
    except AutopickerError as error:
        sys.exit(f"autopicker: {' '.join(str(error).split())}")


if __name__ == "__main__":
    main()
