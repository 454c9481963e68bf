"""The language model that this server asks: whether there is one, and whether it answers."""

import time

from starlette.requests import Request
from starlette.responses import Response

from server.api.services import services
from server.api.tasks import json_response
from server.errors import HoldfastError, ModelRequired


async def check_model(request: Request) -> Response:
    """Ask the model for one word, and tell whether it answers. It costs a few tokens.

    :raises ModelRequired: none is configured.
    """
    model = services(request).model
    if model is None:
        raise ModelRequired
    began = time.monotonic()
    try:
        reply = await model.check()
    except HoldfastError as failure:
        return json_response({"model": model.name, "answers": False, "code": failure.code, "detail": failure.detail})
    seconds = round(time.monotonic() - began, 3)
    return json_response({"model": model.name, "answers": True, "answered_as": reply.model, "seconds": seconds})
