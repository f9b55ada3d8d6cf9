"""Whom a request is counted under: the client's address, however sockets and proxies write it."""

from typing import Any

import httpx
import pytest
from support.gateway import gateway
from support.upstream import upstream

from autopicker_lab import Settings
from autopicker_lab.core import SettingsError
from autopicker_lab.runtime.addresses import AddressSet, parse_address
from autopicker_lab.service.request.rate_limits import RateLimiter


def client(socket: str, *forwarded: str, trusted: str = "10.0.0.0/8, fd00::/8, 192.0.2.7") -> str:
    """What a request is counted under that came from a socket's address, with these lines of X-Forwarded-For."""
    limiter = RateLimiter(Settings.load(trusted_proxies=trusted))
    lines = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    return limiter.client_address({"client": (socket, 1), "headers": lines})


@pytest.mark.fault("a port beside the address in X-Forwarded-For", "the client is counted as one, whatever its port")
@pytest.mark.parametrize(
    ("written", "counted"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("1.2.3.4:5678", "1.2.3.4"),
        (" 1.2.3.4:9 ", "1.2.3.4"),
        ('"1.2.3.4:9"', "1.2.3.4"),
        ("[2001:db8::1]:99", "2001:db8::/64"),
        ("[2001:db8::1]", "2001:db8::/64"),
        ("2001:DB8::2", "2001:db8::/64"),
        ("2001:db8:0:0:ffff::2%eth0", "2001:db8::/64"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("[::ffff:1.2.3.4]:80", "1.2.3.4"),
        ("::ffff:0102:0304", "1.2.3.4"),
    ],
)
def test_an_address_has_one_form(written: str, counted: str) -> None:
    assert client("10.0.0.1", written) == counted
    assert client("10.0.0.1", f"6.6.6.6, {written}") == counted


@pytest.mark.parametrize(
    "hop", ["unknown", "_hidden", "evil", "1.2.3.4.5", "1.2.3", "::1::", "[", "a" * 500, "1.2.3.4:5:6"]
)
def test_a_hop_that_is_no_address_makes_no_new_client(hop: str) -> None:
    assert client("10.0.0.1", f"9.9.9.9, {hop}") == "10.0.0.1"
    assert client("10.0.0.1", f"9.9.9.9, {hop}, 10.0.0.2") == "10.0.0.2"


@pytest.mark.parametrize(
    ("socket", "lines", "counted"),
    [
        ("8.8.8.8", ["1.2.3.4"], "8.8.8.8"),  # nobody's proxy
        ("10.1.2.3", ["1.2.3.4"], "1.2.3.4"),
        ("192.0.2.7", ["1.2.3.4, 10.9.9.9"], "1.2.3.4"),
        ("fd00::5", ["1.2.3.4"], "1.2.3.4"),
        ("::ffff:10.0.0.1", ["1.2.3.4"], "1.2.3.4"),  # a socket that listens on both versions
        ("::ffff:8.8.8.8", ["1.2.3.4"], "8.8.8.8"),
        ("10.0.0.1", ["6.6.6.6", "1.2.3.4"], "1.2.3.4"),
        ("10.0.0.1", ["10.0.0.5, 10.0.0.6"], "10.0.0.5"),  # a client in the network of the proxies
        ("10.0.0.1", [" , ,"], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("fe80::1%eth0", [], "fe80::/64"),
    ],
)
def test_proxies_are_networks(socket: str, lines: list[str], counted: str) -> None:
    assert client(socket, *lines) == counted


def test_a_mapped_network_is_one_of_version_4() -> None:
    assert parse_address("10.1.1.1") in AddressSet.parse("::ffff:10.0.0.0/104")
    assert parse_address("11.1.1.1") not in AddressSet.parse("::ffff:10.0.0.0/104")
    assert parse_address("10.1.1.1") in AddressSet.parse("10.9.9.9/8")


@pytest.mark.fault("nonsense in TRUSTED_PROXIES", "the start stops with a line that names the entry")
@pytest.mark.parametrize("entry", ["nginx", "*", "10.0.0.0/33", "10.0.0", "1.2.3.4:80", "localhost"])
def test_nonsense_among_the_proxies_stops_the_start(entry: str) -> None:
    with pytest.raises(SettingsError, match=r"TRUSTED_PROXIES.*is no IP address") as failure:
        Settings.load(trusted_proxies=f"10.0.0.1, {entry}")
    assert f"'{entry}'" in str(failure.value)


def test_ports_make_no_new_clients_over_http() -> None:
    with upstream() as up, gateway(up, rate_limit_requests=2, trusted_proxies="127.0.0.0/8") as base:
        answers: Any = [
            httpx.get(f"{base}/v1/files", headers={"X-Forwarded-For": f"1.2.3.4:{port}"}, timeout=20).status_code
            for port in (1, 2, 3)
        ]
        assert answers == [200, 200, 429]
