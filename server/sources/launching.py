"""How a guarded browser is started and what its contexts may do: fixed here, so that no request has a say in it."""

from typing import TypedDict

LAUNCH_ARGUMENTS = (
    # WebRTC speaks UDP past any proxy. The first name is that of the headless shell, the second that of the browser.
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    # Names are for the guard to resolve: the browser itself finds no host but the guard's own address.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--disable-quic",
    "--dns-prefetch-disable",
    "--no-pings",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
)


class ContextOptions(TypedDict):
    """What Playwright's ``new_context`` takes, beside the proxy with the item's pass."""

    service_workers: str
    accept_downloads: bool
    ignore_https_errors: bool


CONTEXT_OPTIONS: ContextOptions = {
    "service_workers": "block",
    "accept_downloads": False,
    "ignore_https_errors": False,
}


def may_go_to(url: str) -> bool:
    """Whether this may be handed to ``goto``: ``file:``, ``view-source:`` and ``chrome:`` load in spite of a proxy."""
    return url.lower().startswith(("http://", "https://"))
