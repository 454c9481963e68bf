"""The message of an answer's head with the body in it, or its first piece: both go out with one write.

A server that takes such messages says so in the ASGI scope. Each write may wake the reader up, and each message goes
through all layers above the server.
"""

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

WHOLE_EXTENSION = "holdfast.whole"
"""In the ASGI scope's extensions: the server takes a body in the message of the head."""

BODY = "holdfast.body"
"""The key of the body in that message. With ``more_body``, as in the message of a body, others may follow."""


def takes_whole(scope: Scope) -> bool:
    """Whether the head of this answer may have a body in it."""
    return WHOLE_EXTENSION in scope.get("extensions", ()) and scope["method"] != "HEAD"


class WholeResponse(Response):
    """An answer that is all there. Starlette's own takes several times as long to make.

    ``headers`` are as they go over the wire, with names in lower case and without the length."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.status_code, self.body, self.background = status, body, None
        self.raw_headers = [*headers, (b"content-length", b"%d" % len(body))]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        if takes_whole(scope):
            head[BODY] = self.body
            await send(head)
        else:
            await send(head)
            await send({"type": "http.response.body", "body": self.body})
