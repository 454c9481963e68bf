"""Where a server listens: the sockets of an address, and its URL."""

import errno
import ipaddress
import socket

BACKLOG = 2048


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen already, on every address of this host, all on the same port.

    :raises OSError: no address could be had; the port is in use, say.
    """
    found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    addresses = sorted({(family, address) for family, _, _, _, address in found}, key=lambda a: (a[0], str(a[1])))
    listeners: list[socket.socket] = []
    try:
        for family, address in addresses:
            try:
                listener = socket.socket(family)
            except OSError as error:
                if error.errno != errno.EAFNOSUPPORT:
                    raise
                continue
            listeners.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                listener.bind((address[0], port, *address[2:]))
            except OSError as error:
                if error.errno != errno.EADDRNOTAVAIL or len(addresses) == 1:
                    raise
                listeners.pop().close()
                continue
            listener.listen(BACKLOG)  # two may bind the same port, but only one may listen
            listener.setblocking(False)
            port = listener.getsockname()[1]
    except OSError:
        for listener in listeners:
            listener.close()
        raise
    if not listeners:
        raise OSError(errno.EADDRNOTAVAIL, "no address of this host can be listened on")
    return listeners


def url_within(host: str, port: int) -> str:
    """The URL by which this machine reaches a server that listens at ``host``.

    A wildcard address (``0.0.0.0``, ``::``) is no address to ask: it is the loopback address of its family then.
    """
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return url_of(host, port)
    if address.is_unspecified:
        return url_of("127.0.0.1" if address.version == 4 else "::1", port)
    return url_of(host, port)


def url_of(host: str, port: int) -> str:
    bare = host.strip("[]")
    return f"http://[{bare}]:{port}" if ":" in bare else f"http://{bare}:{port}"
