"""Proxies on the way to a server: which one, and how a connection is made through it."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import urllib.request
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from autopicker_lab.http_client.connection import Connection, ConnectionBrokenError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

NO_PROXY = "none"  # in place of an address: go straight, whatever the environment says


class ProxyError(ConnectionBrokenError):
    """A proxy refused to make the connection, or cannot be used."""


class Proxy(NamedTuple):
    """An HTTP proxy, with the lines of the header that it wants to see; "" for none."""

    host: str
    port: int
    header_lines: str

    @classmethod
    def parse(cls, address: str) -> Proxy:
        """The proxy of an address such as http://user:password@proxy:3128; ValueError where it is none."""
        parts = urlsplit(address if "://" in address else f"http://{address}")
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError("a proxy's address begins with http:// and names a host")
        lines = f"Proxy-Authorization: {basic(parts.username, parts.password)}\r\n" if parts.username else ""
        return cls(parts.hostname, parts.port or 80, lines)


def basic(user: str | None, password: str | None) -> str:
    """The value of an Authorization header, of the user and password in an address."""
    pair = f"{unquote(user or '')}:{unquote(password or '')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def proxy_address(url: str, configured: str = "") -> str:
    """The address of the proxy by which a URL is reached; "" where it is reached straight.

    Args:
        configured: a proxy's address, NO_PROXY, or "" for what HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY say. A
            server on this machine is never asked by a proxy.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if configured == NO_PROXY or is_loopback(host):
        return ""
    if configured:
        return configured
    proxies = urllib.request.getproxies_environment()
    asked = parts.netloc.rpartition("@")[2]
    if urllib.request.proxy_bypass_environment(asked, proxies):  # type: ignore[attr-defined]  # not in the stubs
        return ""
    return proxies.get(parts.scheme) or proxies.get("all") or ""


async def open_tunnel(
    proxy: Proxy, host: str, port: int, tls: ssl.SSLContext, make: Callable[[], Connection], seconds: float
) -> Connection:
    """A connection to a server of HTTPS through a proxy.

    Raises:
        ProxyError: the proxy refused; another OSError: it cannot be reached, or the server's certificate is wrong.
    """
    loop = asyncio.get_running_loop()
    _, tunnel = await loop.create_connection(make, proxy.host, proxy.port)
    try:
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        tunnel.send(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{proxy.header_lines}\r\n".encode("latin-1"), b"")
        await tunnel.head(seconds)
        if tunnel.status // 100 != 2:
            raise ProxyError(f"the proxy {proxy.host}:{proxy.port} answered {tunnel.status}")
        connection = make()
        transport = await loop.start_tls(tunnel.give_away(), connection, tls, server_hostname=host)
    except BaseException:
        tunnel.abort()
        raise
    if transport is None:
        raise ProxyError(f"the proxy {proxy.host}:{proxy.port} closed the connection")
    connection.connection_made(transport)
    return connection


def is_loopback(host: str) -> bool:
    """Whether a host's name is one of this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
