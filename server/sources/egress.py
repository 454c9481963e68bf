"""The judge of everything that goes out: which addresses may be connected to, for the client and the browser alike.

A name is resolved once; if any of its addresses is forbidden, the whole name is. The connection then goes to the very
address that was judged, so that a second answer of the name server changes nothing.
"""

import ipaddress
import socket
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import urlsplit

import anyio
import httpcore2

from server.sources.failures import FetchFailed

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve: TypeAlias = Callable[[str, int], Awaitable[list[Address]]]

PUBLIC_PORTS = frozenset({80, 443})
_DEFAULT_PORTS = {"http": 80, "https": 443}

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
class Ruling:
    """What one request may reach: the public internet, and the one private place that it named, if that is allowed."""

    ports: frozenset[int] = PUBLIC_PORTS
    named: tuple[str, int] | None = None
    resolve: Resolve = resolve

    async def addresses(self, host: str, port: int) -> list[Address]:
        """The addresses that may be connected to, of one resolution. Whoever connects uses these, never the name.

        :raises FetchFailed: (``unknown_host``, ``forbidden_address``)
        """
        is_let_through = self.named == (host.lower(), port)
        if not is_let_through and port not in self.ports:
            allowed = ", ".join(str(each) for each in sorted(self.ports))
            raise FetchFailed("forbidden_address", f"Port {port} may not be fetched from; only {allowed}.")
        addresses = await self.resolve(host, port)
        if not addresses:
            raise FetchFailed("unknown_host", f"The host {host[:100]!r} has no address.")
        if not is_let_through and not all(is_public(address) for address in addresses):
            raise FetchFailed(
                "forbidden_address", f"The host {host[:100]!r} is not on the public internet, so it is not fetched."
            )
        return addresses


@dataclass(frozen=True)
class Judge:
    """The operator's rules. ``private_hosts``: ``host`` (at each port) or ``host:port``, which requests may name."""

    private_hosts: Collection[str] = ()
    ports: frozenset[int] = PUBLIC_PORTS
    resolve: Resolve = field(default=resolve)

    def ruling(self, url: str) -> Ruling:
        """What a request that names this canonical URL may reach; what it leads to is not named by that."""
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        is_allowed = host in self.private_hosts or place in self.private_hosts
        return Ruling(self.ports, (host, port) if is_allowed else None, self.resolve)


@dataclass(frozen=True)
class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Connects to addresses that have been judged, and to no others."""

    ruling: Ruling = field(default_factory=Ruling)

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
                addresses = await self.ruling.addresses(host, port)
        except TimeoutError:
            raise FetchFailed("unknown_host", f"The host {host[:100]!r} was not found in time.") from None
        failure: Exception | None = None
        for address in addresses:
            try:
                return await httpcore2.AnyIOBackend().connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure or FetchFailed("unknown_host", f"The host {host[:100]!r} has no address.")

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)
