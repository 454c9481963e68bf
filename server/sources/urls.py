"""One spelling per address: what is the same page is fetched once."""

from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

from server.sources.failures import FetchFailed

LONGEST_URL = 2048
_DEFAULT_PORTS = {"http": 80, "https": 443}
_KEPT = "%/:=&?~#+!$,;'@()*[]"


def canonical(url: str) -> str:
    """Scheme and host in lower case, no default port, no fragment, an empty path as ``/``.

    :raises FetchFailed: (``invalid_url``) if it can't be fetched at all.
    """
    if len(url) > LONGEST_URL:
        raise FetchFailed("invalid_url", f"The address is longer than {LONGEST_URL} characters.")
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").encode("idna").decode("ascii") if parts.hostname else ""
        port = parts.port
    except (ValueError, UnicodeError):
        raise FetchFailed("invalid_url", "The address can't be read.") from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise FetchFailed("invalid_url", "Only http and https addresses are fetched.")
    if not host:
        raise FetchFailed("invalid_url", "The address names no host.")
    if parts.username is not None or parts.password is not None:
        raise FetchFailed("invalid_url", "Addresses with a user name or password are not taken.")
    if ":" in host:
        host = f"[{host}]"
    place = host if port in (None, _DEFAULT_PORTS[parts.scheme]) else f"{host}:{port}"
    return urlunsplit(SplitResult(parts.scheme, place, quote(parts.path or "/", _KEPT), quote(parts.query, _KEPT), ""))
