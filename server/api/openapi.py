"""The OpenAPI description, made from the routes, their docstrings and the schemas that validate."""

import inspect
import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from starlette.routing import BaseRoute, Route

from server import __version__
from server.api.requests import Options
from server.api.tasks import LIST_PARAMETERS
from server.errors import HoldfastError
from server.workflows.base import Registry

_PLACE = re.compile(r"\{(\w+)(?::\w+)?\}")
_TEXT = {"type": "string"}
_SCHEMAS = "#/components/schemas/"
_EVENTS = {"text/event-stream": {"schema": _TEXT}, "application/x-ndjson": {"schema": _TEXT}}
_JSON = {"application/json": {"schema": {"type": "object"}}}

_QUERIES: dict[str, tuple[str, ...]] = {
    "/api/tasks": LIST_PARAMETERS,
    "/api/novels/{novel_id}/tasks": LIST_PARAMETERS,
    "/api/events": ("task", "after"),
    "/api/tasks/{task_id}/events": ("after",),
    "/api/tasks/{task_id}/log": ("after",),
    "/api/background_task/status": ("session", "lang"),
    "/api/sse": (
        "query",
        "language",
        "maxResult",
        "enableReferences",
        "enableCitationImage",
        "thinkingModel",
        "taskModel",
        "promptOverrides",
        "after",
    ),
}
"""What may stand in the query string of a GET; `/api/stream` takes the parameters of its kind, and options."""

_ANSWERS: dict[str, dict[str, Any]] = {
    "/api/stream": {"200": _EVENTS, "204": None},
    "/api/sse": {"200": {"text/event-stream": {"schema": _TEXT}}, "204": None},
    "/api/events": {"200": {"text/event-stream": {"schema": _TEXT}}, "204": None},
    "/api/tasks/{task_id}/events": {"200": _EVENTS, "204": None},
    "/api/tasks/{task_id}/output": {"200": {"text/markdown": {"schema": _TEXT}}},
    "/api/tasks/{task_id}/output.html": {"200": {"text/html": {"schema": _TEXT}}, "304": None},
    "/api/tasks/{task_id}/report.{format}": {"200": {"*/*": {}}},
    "/api/tasks/{task_id}/artifacts/{name}": {"200": {"*/*": {}}},
    "/readyz": {"200": _JSON, "503": _JSON},
    "/metrics": {"200": {"text/plain": {"schema": _TEXT}}},
    "/docs": {"307": None},
    "/docs/{page}": {"200": {"text/html": {"schema": _TEXT}}},
}
_MEANINGS = {
    "200": "As the summary says.",
    "201": "What was asked for is new: a life of a task, or an upload.",
    "202": "It is kept, and heeded from the next step on.",
    "204": "There is nothing more: the reader has seen it all, or the task is removed.",
    "304": "It has not changed.",
    "503": "Something is wrong; the body says what.",
    "307": "It is at the address in `Location`.",
}


def describe(routes: Iterable[BaseRoute], registry: Registry) -> dict[str, Any]:
    """OpenAPI 3.1."""
    schemas: dict[str, Any] = {"Problem": _problem()}
    params = {workflow.kind: _schema(workflow.params, schemas) for workflow in registry}
    schemas |= {f"Params.{kind}": schema for kind, schema in params.items()}
    schemas["TaskRequest"] = _task_request(list(params))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        if isinstance(route, Route) and route.include_in_schema:
            path = _PLACE.sub(r"{\1}", route.path)
            for method in sorted((route.methods or set()) - {"HEAD", "OPTIONS"}):
                paths.setdefault(path, {})[method.lower()] = _operation(route, path, method, params)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Holdfast", "version": __version__, "summary": "The same request is one task."},
        "paths": paths,
        "components": {"schemas": schemas},
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


def _operation(route: Route, path: str, method: str, params: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": " ".join((inspect.getdoc(route.endpoint) or "").split("\n\n")[0].split()),
        "operationId": f"{method.lower()}_{route.name}",
        "parameters": _parameters(route, path, method, params),
        "responses": _responses(path, method),
    }
    if method == "POST" and path in ("/api/stream", "/api/tasks"):
        schema = {"$ref": f"{_SCHEMAS}TaskRequest"}
        operation["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    elif path == "/api/uploads":
        operation["parameters"].append(_in_query("name", _TEXT, "What the file is called."))
        form = {"type": "object", "required": ["file"], "properties": {"file": {**_TEXT, "format": "binary"}}}
        operation["requestBody"] = {"content": {"*/*": {}, "multipart/form-data": {"schema": form}}}
    elif method == "POST":
        operation["requestBody"] = {"required": False, "content": _JSON}
    return operation


def _parameters(route: Route, path: str, method: str, params: dict[str, Any]) -> list[dict[str, Any]]:
    found = [{"name": name, "in": "path", "required": True, "schema": _TEXT} for name in _PLACE.findall(route.path)]
    if path.startswith("/api/tasks/{task_id}"):
        found.append(_in_query("generation", _TEXT, "An older life of the task; without it, the current one."))
    if path.endswith(("/stream", "/events", "/sse")):
        found.append({"name": "Last-Event-ID", "in": "header", "schema": _TEXT})
    if method == "GET":
        found += [_in_query(name, _TEXT) for name in _QUERIES.get(path, ())]
        if path == "/api/stream":
            options = Options.model_json_schema()["properties"]
            found += [_in_query(name, schema) for name, schema in options.items()]
            own = {name: f"Of kind {kind}." for kind in params for name in params[kind]["properties"]}
            found += [_in_query(name, {}, meaning) for name, meaning in own.items()]
    return found


def _in_query(name: str, schema: dict[str, Any], meaning: str | None = None) -> dict[str, Any]:
    parameter = {"name": name, "in": "query", "required": False, "schema": schema}
    return parameter if meaning is None else {**parameter, "description": meaning}


def _responses(path: str, method: str) -> dict[str, Any]:
    answers: dict[str, Any] = _ANSWERS.get(path, {"200": _JSON})
    if (path, method) in (("/api/tasks", "POST"), ("/api/uploads", "POST")):
        answers = {"200": _JSON, "201": _JSON}
    elif path == "/api/tasks/{task_id}/steer":
        answers = {"202": _JSON}
    elif method == "DELETE":
        answers = {"204": None}
    elif (path, method) == ("/api/tasks/{task_id}", "GET"):
        answers = {"200": _JSON, "304": None}
    problem = {"application/problem+json": {"schema": {"$ref": f"{_SCHEMAS}Problem"}}}
    told = {
        status: {"description": _MEANINGS[status], **({"content": content} if content else {})}
        for status, content in answers.items()
    }
    return {**told, "default": {"description": "What is wrong, and what would be right.", "content": problem}}


def _schema(model: type[BaseModel], schemas: dict[str, Any]) -> dict[str, Any]:
    """A model's schema; what it refers to is put among ``schemas``."""
    schema = model.model_json_schema(ref_template=_SCHEMAS + "{model}")
    schemas |= schema.pop("$defs", {})
    return schema


def _task_request(kinds: list[str]) -> dict[str, Any]:
    options = Options.model_json_schema()["properties"]
    params = [{"$ref": f"{_SCHEMAS}Params.{kind}"} for kind in kinds]
    return {
        "type": "object",
        "properties": {**options, "kind": {**options["kind"], "enum": kinds}, "params": {"anyOf": params}},
    }


def _problem() -> dict[str, Any]:
    field = {"type": "object", "properties": {"path": _TEXT, "code": _TEXT, "message": _TEXT}}
    return {
        "type": "object",
        "required": ["type", "title", "status", "detail", "code", "errors"],
        "properties": {
            "type": _TEXT,
            "title": _TEXT,
            "status": {"type": "integer"},
            "detail": _TEXT,
            "code": _TEXT,
            "errors": {"type": "array", "items": field},
        },
    }
