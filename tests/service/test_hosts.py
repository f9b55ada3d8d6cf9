"""By which names an open service may be asked: a page may let its own name point to this machine."""

from typing import Any

import httpx
import pytest
import websocket
from support.gateway import gateway
from support.upstream import upstream

from autopicker_lab import Settings
from autopicker_lab.core import InvalidRequestError
from autopicker_lab.service.request.hosts import HostCheck

OWN = [
    "localhost",
    "LOCALHOST:8001",
    "localhost.",
    "app.localhost:80",
    "127.0.0.1",
    "127.8.8.8:1",
    "[::1]:8001",
    "[::1]",
]
OTHERS = [
    "evil.example",
    "evil.example:8001",
    "localhost.evil.example",
    "127.0.0.1.nip.io",
    "evillocalhost",
    "evil.example@localhost",
    "localhost:evil",
    "localhost/evil",
    "localhost, evil.example",
    "2130706433",
    "[::1].evil.example",
    "0.0.0.0",
    "192.168.1.1",
    "",
]


def is_allowed(host: str, server: str = "127.0.0.1", allowed: str = "") -> bool:
    check = HostCheck(Settings.load(allowed_hosts=allowed))
    try:
        check.check({"server": (server, 8001)}, {b"host": host.encode("latin-1")})
    except InvalidRequestError:
        return False
    return True


@pytest.mark.fault("a web page lets its name point to an open service", "400: names are those in ALLOWED_HOSTS alone")
@pytest.mark.parametrize("host", OTHERS)
def test_other_names_are_refused(host: str) -> None:
    assert not is_allowed(host)
    with upstream() as up, gateway(up) as base:
        for method, path in (
            ("GET", "/v1/files"),
            ("GET", "/"),
            ("POST", "/v1/chat/completions"),
            ("DELETE", "/v1/files/a"),
        ):
            answer = httpx.request(method, base + path, headers={"Host": host}, timeout=20)
            assert (answer.status_code, "ALLOWED_HOSTS" in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize("host", OWN)
def test_names_of_this_machine_are_taken(host: str) -> None:
    assert is_allowed(host)


def test_the_address_that_is_listened_on_is_taken() -> None:
    assert is_allowed("192.168.1.5:8001", server="192.168.1.5")
    assert is_allowed("[2001:db8::1]:80", server="2001:db8::1")
    assert is_allowed("203.0.113.9", server="172.17.0.2")  # the address of the machine around a container
    assert is_allowed("192.168.1.5", server="::ffff:192.168.1.5")
    assert not is_allowed("evil.example", server="172.17.0.2")
    assert not is_allowed("evil.example", server="::")


def test_names_are_allowed_by_the_setting() -> None:
    allowed = "Lab.example.org, *.example.com:8001"
    for host in ("lab.example.org", "LAB.example.org:443", "lab.example.org.", "a.example.com", "a.b.example.com:1"):
        assert is_allowed(host, allowed=allowed)
    for host in ("example.org", "x.lab.example.org", "example.com", "evilexample.com", "a.example.com.evil.org"):
        assert not is_allowed(host, allowed=allowed)
    assert is_allowed("evil.example", allowed="*")


def test_where_a_key_is_needed_any_name_will_do() -> None:
    with upstream() as up, gateway(up, api_key="secret") as base:
        headers = {"Host": "lab.example.org", "X-API-Key": "secret"}
        assert httpx.get(f"{base}/v1/files", headers=headers, timeout=20).status_code == 200


def test_forwarded_hosts_are_not_believed() -> None:
    with upstream() as up, gateway(up, trusted_proxies="127.0.0.1") as base:
        headers = {"Host": "evil.example", "X-Forwarded-Host": "localhost", "Forwarded": "host=localhost"}
        assert httpx.get(f"{base}/v1/files", headers=headers, timeout=20).status_code == 400
        assert httpx.get(f"{base}/health", headers={"Host": "evil.example"}, timeout=20).status_code == 200


def test_sockets_ask_for_the_same_names() -> None:
    with upstream() as up, gateway(up) as base:
        url = base.replace("http", "ws") + "/ws/chat"
        options: Any = {"timeout": 20, "suppress_origin": True}
        websocket.create_connection(url, host="localhost", **options).close()
        with pytest.raises(websocket.WebSocketBadStatusException) as refusal:
            websocket.create_connection(url, host="evil.example", origin="http://evil.example", timeout=20)
        assert refusal.value.status_code == 400
