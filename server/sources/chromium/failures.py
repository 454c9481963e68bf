"""What a browser's errors mean, as codes and sentences that people can act on."""

import re

from playwright.async_api import Error, TimeoutError

from server.sources.failures import SourceFailed

_NET = re.compile(r"net::ERR_([A-Z0-9_]+)")
_BY_NET = {
    "TOO_MANY_REDIRECTS": ("too_many_redirects", "The page redirects without end."),
    "NAME_NOT_RESOLVED": ("unknown_host", "The host can't be found."),
    "CONNECTION_REFUSED": ("unreachable", "The server refused the connection."),
    "CONNECTION_RESET": ("unreachable", "The server broke the connection off."),
    "CONNECTION_CLOSED": ("unreachable", "The server broke the connection off."),
    "EMPTY_RESPONSE": ("bad_response", "The server closed the connection without an answer."),
    "CONNECTION_TIMED_OUT": ("timeout", "The server did not answer in time."),
    "TIMED_OUT": ("timeout", "The server did not answer in time."),
    "TUNNEL_CONNECTION_FAILED": ("forbidden_address", "The guard did not let the browser connect there."),
    "UNSAFE_PORT": ("forbidden_address", "The browser opens no page on that port."),
    "INTERNET_DISCONNECTED": ("unreachable", "This machine has no network."),
    "ADDRESS_UNREACHABLE": ("unreachable", "The address can't be reached."),
    "HTTP_RESPONSE_CODE_FAILURE": ("bad_response", "The server answered with an error and nothing else."),
}
_CRASHED = ("Target crashed", "Page crashed")
_DEAD = ("has been closed", "Connection closed", "browser has disconnected")
_LEFT = ("Execution context was destroyed", "page is navigating")


class BrowserFailed(SourceFailed):
    """A page could not be had by the browser, or a step on it could not be done."""


class BrowserDied(BrowserFailed):
    """The browser, or the page's process in it, ended while it was being used."""

    def __init__(
        self, code: str = "browser_died", message: str = "The browser ended while it was at work on this."
    ) -> None:
        super().__init__(code, message)


class PageCrashed(BrowserDied):
    """The page's own process ended; others go on."""

    def __init__(self) -> None:
        super().__init__("page_crashed", "The page's process in the browser ended, as when it takes too much memory.")


def answered(status: int) -> BrowserFailed:
    """The server's answer is not what was wanted. ``status``: its number, or one that comes without a page."""
    return BrowserFailed(f"http_{status}", f"The server answered {status}.")


def failure_of(error: Error) -> BrowserFailed:
    """A Playwright error as one of ours."""
    text = error.message
    if any(sign in text for sign in _CRASHED):
        return PageCrashed()
    if any(sign in text for sign in _DEAD):
        return BrowserDied()
    if "Download is starting" in text or "net::ERR_ABORTED" in text:
        return BrowserFailed("download", "The address is a file to download, which is refused here, or no page.")
    if isinstance(error, TimeoutError):
        return BrowserFailed("timeout", "The page did not get so far in time.")
    if any(sign in text for sign in _LEFT):
        return BrowserFailed("page_left", "The page went on to another one, or to itself, while this was done on it.")
    if found := _NET.search(text):
        if found[1].startswith("CERT_"):
            return BrowserFailed("bad_certificate", f"The server's certificate is not valid ({found[1]}).")
        code, sentence = _BY_NET.get(found[1], ("unreachable", f"The browser could not open the page ({found[1]})."))
        return BrowserFailed(code, sentence)
    first = text.splitlines()[0][:200] if text else "no reason given"
    return BrowserFailed("step_failed", f"The browser could not do this: {first}")
