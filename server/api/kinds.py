"""The workflows with the schemas of their parameters: forms, docs and validation come from the same place."""

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from server.api.results import FORMATS
from server.api.services import services
from server.api.tasks import json_response


async def list_kinds(request: Request) -> Response:
    """Each kind that this server offers: its parameters and what a task can be told, as JSON Schema; its reports."""
    prints = await to_thread.run_sync(services(request).browser) is not None
    formats = [ending for ending in FORMATS if prints or ending != "pdf"]
    kinds = [
        {
            "kind": workflow.kind,
            "version": workflow.version,
            "label": dict(workflow.label),
            "model": workflow.model,
            "search": workflow.search(None),
            "formats": [*formats, *workflow.formats],
            "formats_when": workflow.formats_when,
            "schema": workflow.params.model_json_schema(),
            "steering": None if workflow.steering is None else workflow.steering.model_json_schema(),
        }
        for workflow in services(request).registry
    ]
    model = services(request).model
    return json_response({"kinds": kinds, "model": None if model is None else model.name})
