"""The OpenAPI description, made from the routes, their docstrings and the schemas that validate."""

import inspect
import re
from collections.abc import Iterable
from typing import Any

from starlette.routing import BaseRoute, Route

from server import __version__
from server.api.requests import Options
from server.errors import HoldfastError
from server.workflows.base import Registry

_PLACE = re.compile(r"\{(\w+)(?::\w+)?\}")
_STREAMS = {"/api/stream", "/api/tasks/{task_id}/events"}
_STARTS = {"/api/stream", "/api/tasks"}


def describe(routes: Iterable[BaseRoute], registry: Registry) -> dict[str, Any]:
    """OpenAPI 3.1."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        if isinstance(route, Route) and route.include_in_schema:
            path = _PLACE.sub(r"{\1}", route.path)
            for method in sorted((route.methods or set()) - {"HEAD", "OPTIONS"}):
                paths.setdefault(path, {})[method.lower()] = _operation(route, path, method)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Holdfast", "version": __version__, "summary": "The same request is one task."},
        "paths": paths,
        "components": {
            "schemas": {
                "TaskRequest": _task_request(registry),
                "Problem": _problem(),
                **{f"Params.{workflow.kind}": workflow.params.model_json_schema() for workflow in registry},
            }
        },
        "x-error-codes": {error.code: {"status": error.status, "detail": error.sentence()} for error in all_errors()},
    }


def all_errors() -> list[type[HoldfastError]]:
    """Every error class, one per code."""
    found: dict[str, type[HoldfastError]] = {}
    waiting = [HoldfastError]
    while waiting:
        error = waiting.pop(0)
        found.setdefault(error.code, error)
        waiting += error.__subclasses__()
    return list(found.values())


def _operation(route: Route, path: str, method: str) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PLACE.findall(route.path)
    ]
    if path in _STREAMS:
        parameters.append({"name": "Last-Event-ID", "in": "header", "schema": {"type": "string"}})
    operation: dict[str, Any] = {
        "summary": " ".join((inspect.getdoc(route.endpoint) or "").split("\n\n")[0].split()),
        "operationId": f"{method.lower()}_{route.name}",
        "parameters": parameters,
        "responses": {
            "200": {"description": "as the summary says"},
            "default": {
                "description": "what is wrong, and what would be right",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    }
    if path in _STARTS and method == "POST":
        schema = {"$ref": "#/components/schemas/TaskRequest"}
        operation["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    if path in _STARTS and method == "GET" and path == "/api/stream":
        operation["parameters"] += [
            {"name": name, "in": "query", "required": False, "schema": schema}
            for name, schema in Options.model_json_schema()["properties"].items()
        ]
    return operation


def _task_request(registry: Registry) -> dict[str, Any]:
    options = Options.model_json_schema()["properties"]
    kinds = [workflow.kind for workflow in registry]
    params = [{"$ref": f"#/components/schemas/Params.{kind}"} for kind in kinds]
    return {
        "type": "object",
        "properties": {**options, "kind": {**options["kind"], "enum": kinds}, "params": {"anyOf": params}},
    }


def _problem() -> dict[str, Any]:
    text = {"type": "string"}
    field = {"type": "object", "properties": {"path": text, "code": text, "message": text}}
    return {
        "type": "object",
        "required": ["type", "title", "status", "detail", "code", "errors"],
        "properties": {
            "type": text,
            "title": text,
            "status": {"type": "integer"},
            "detail": text,
            "code": text,
            "errors": {"type": "array", "items": field},
        },
    }
