"""A whole answer whose headers are ready, for what is asked most: Starlette takes several times as long to make one."""

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

WHOLE_EXTENSION = "holdfast.whole"
"""In the ASGI scope's extensions: the server takes the message of an answer's head with the whole body in it."""

BODY = "holdfast.body"
"""The key of the body in that message, which is the only one of its answer."""


class WholeResponse(Response):
    """``headers`` are as they go over the wire, with names in lower case and without the length."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.status_code, self.body, self.background = status, body, None
        self.raw_headers = [*headers, (b"content-length", b"%d" % len(body))]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        if WHOLE_EXTENSION in scope.get("extensions", ()) and scope["method"] != "HEAD":
            head[BODY] = self.body
            await send(head)
        else:
            await send(head)
            await send({"type": "http.response.body", "body": self.body})
