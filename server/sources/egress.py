"""The first egress guard: which addresses may be connected to, and a network backend that connects to no other.

A name is resolved once; if any of its addresses is forbidden, the whole name is. The connection then goes to the very
address that was judged, so that a second answer of the name server changes nothing.
"""

import ipaddress
import socket
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TypeAlias

import anyio
import httpcore2

from server.sources.failures import FetchFailed

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

PUBLIC_PORTS = frozenset({80, 443})

# `is_global` of Python 3.11 errs on some of these, so they are named.
_FORBIDDEN = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16/32 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 "
        "192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 "
        "224.0.0.0/4 240.0.0.0/4 "
        "::/96 100::/64 64:ff9b:1::/48 2001:db8::/32 2001:10::/28 2001:20::/28 fc00::/7 fe80::/10 fec0::/10 ff00::/8"
    ).split()
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Whether this is global unicast, and so is any IPv4 address that is carried inside of it."""
    if any(address in network for network in _FORBIDDEN if network.version == address.version):
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address.teredo is not None:
            return all(is_public(part) for part in address.teredo)
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


async def resolve(host: str, port: int) -> list[Address]:
    """:raises FetchFailed: (``unknown_host``) if the name has no address."""
    try:
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise FetchFailed("unknown_host", f"The host {host[:100]!r} can't be found.") from None
    return list(dict.fromkeys(ipaddress.ip_address(str(item[4][0]).partition("%")[0]) for item in found))


@dataclass(frozen=True)
class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Connects to addresses that have been judged, and to no others.

    ``private_hosts`` are let through wherever they lead: hosts that the operator allows *and* that the request named.
    """

    private_hosts: Collection[str] = ()
    ports: frozenset[int] = PUBLIC_PORTS

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the parameter is the backend contract's
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """:raises FetchFailed: (``unknown_host``, ``forbidden_address``)"""
        try:
            with anyio.fail_after(timeout):
                addresses = await resolve(host, port)
        except TimeoutError:
            raise FetchFailed("unknown_host", f"The host {host[:100]!r} was not found in time.") from None
        if host not in self.private_hosts:
            self._judge(host, port, addresses)
        failure: Exception | None = None
        for address in addresses:
            try:
                return await httpcore2.AnyIOBackend().connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure or FetchFailed("unknown_host", f"The host {host[:100]!r} has no address.")

    def _judge(self, host: str, port: int, addresses: list[Address]) -> None:
        if port not in self.ports:
            raise FetchFailed("forbidden_address", f"Port {port} may not be fetched from; only 80 and 443.")
        if not addresses or not all(is_public(address) for address in addresses):
            raise FetchFailed(
                "forbidden_address", f"The host {host[:100]!r} is not on the public internet, so it is not fetched."
            )

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)
