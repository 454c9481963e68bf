"""What a client asks for: read from a query string or a JSON body, and validated by the kind's own schema."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, get_args, get_origin
from urllib.parse import parse_qsl

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.requests import ClientDisconnect, Request

from server.api.access import principal
from server.api.services import services
from server.errors import (
    FieldError,
    InvalidEncoding,
    InvalidJson,
    InvalidParameters,
    InvalidRequest,
    UnsupportedMediaType,
    WrongField,
)
from server.fingerprint import clean
from server.tasks.manager import TaskRequest
from server.workflows.base import Registry, Workflow

DEFAULT_KIND = "research"
MAX_QUERY_FIELDS = 1000
TITLE_LENGTH = 200
LONGEST_KEY = 200

_Label = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_KEY)]


class Options(BaseModel):
    """What may stand beside a kind's own parameters; none of it enters the fingerprint."""

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(DEFAULT_KIND, description="Which workflow; GET /api/kinds lists them.")
    fresh: _Label | None = Field(
        None, description="Any text the client makes up: each distinct one starts a new life once."
    )
    max_age: float | None = Field(None, ge=0, description="Start anew if the completed task is older, in seconds.")
    priority: int = Field(5, ge=0, le=9, description="Higher ones leave the queue first.")
    project: _Label | None = Field(None, description="A label to find the task by.")
    session: _Label | None = Field(None, description="A label to find the task by.")
    after: str | None = Field(None, description="The id of the last event seen, where Last-Event-ID can't be set.")


async def task_request(request: Request) -> TaskRequest:
    """Read and validate a request for a task.

    What was read lately is known by how it was written; whether it can be carried out is asked each time.

    :raises InvalidJson, InvalidEncoding, UnsupportedMediaType: it can't be read.
    :raises InvalidParameters, UnknownKind, ModelRequired: it can't be carried out; nothing was made.
    """
    body = b"" if request.method == "GET" else await whole_body(request)
    parts, scope = services(request), principal(request).scope
    written: bytes = body or request.scope["query_string"]
    key = written, request.headers.get("content-type") if body else None, scope
    read = parts.known_requests.get(key)
    if read is None:
        given = _json_object(body, request) if body else query_tree(request)
        read = _read(parts.registry, clean(given), scope, from_query=not body)
        parts.known_requests.keep(key, read, len(written))
    wanted, params = read
    _check(parts.registry.get(wanted.kind), params)
    return wanted


def _read(registry: Registry, given: dict[str, Any], scope: str, *, from_query: bool) -> tuple[TaskRequest, BaseModel]:
    nested = given.pop("params", None)
    own = {key: given.pop(key) for key in list(given) if key not in Options.model_fields}
    options = validated(Options, given)
    workflow = registry.get(options.kind)
    if nested is not None:
        if not isinstance(nested, dict):
            raise InvalidParameters(errors=[FieldError("params", "not_an_object", "Send `params` as a JSON object.")])
        if own:
            fields = [FieldError(key, "beside_params", "Move this into `params`, or send all flat.") for key in own]
            raise InvalidParameters(errors=fields)
        own = nested
    return _fitted(workflow, own, scope, options, from_query=from_query)


def request_for(workflow: Workflow, own: dict[str, Any], scope: str, *, from_query: bool) -> TaskRequest:
    """A kind's own parameters, validated by its schema.

    :raises InvalidParameters, ModelRequired: they can't be carried out.
    """
    wanted, params = _fitted(workflow, own, scope, Options(), from_query=from_query)
    _check(workflow, params)
    return wanted


def _check(workflow: Workflow, params: BaseModel) -> None:
    if workflow.check is not None:
        workflow.check(params)


def _fitted(
    workflow: Workflow, own: dict[str, Any], scope: str, options: Options, *, from_query: bool
) -> tuple[TaskRequest, BaseModel]:
    """The request, and its parameters as the workflow has them."""
    if from_query:
        own = fit_to(workflow.params, own)
    params = validated(workflow.params, own)
    project = options.project
    if workflow.project is not None:
        project = workflow.project(params)
        if options.project not in (None, project):
            told = f"Tasks of this kind bear the label {project!r}; leave this out."
            raise InvalidParameters(errors=[FieldError("project", "set_by_kind", told)])
    wanted = TaskRequest(
        kind=workflow.kind,
        params=clean(params.model_dump(mode="json", by_alias=True, exclude_none=True)),
        title=" ".join(workflow.title(params).split())[:TITLE_LENGTH],
        scope=scope,
        fresh=options.fresh,
        max_age=options.max_age,
        priority=options.priority,
        project=project,
        session=options.session,
        after=options.after,
    )
    return wanted, params


async def json_object(request: Request) -> dict[str, Any]:
    """The body as one JSON object; empty for an empty body."""
    return _json_object(await whole_body(request), request)


async def whole_body(request: Request) -> bytes:
    """To be asked for once. It mostly comes in one piece, and Starlette's own goes through a generator for that."""
    message = await request.receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        whole: bytes = message.get("body", b"")
        return whole
    pieces = [message.get("body", b"")]
    while message["type"] != "http.disconnect" and message.get("more_body", False):
        message = await request.receive()
        pieces.append(message.get("body", b""))
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return b"".join(pieces)


def _json_object(body: bytes, request: Request) -> dict[str, Any]:
    if not body:
        return {}
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json" and not content_type.endswith("+json"):
        raise UnsupportedMediaType
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidJson(f"The body is not valid JSON: {error}.") from None
    if not isinstance(value, dict):
        raise InvalidParameters('The body must be one JSON object, as {"query": "…"}.')
    return value


def query_tree(request: Request) -> dict[str, Any]:
    """The query string as nested parameters: ``report.style=brief`` → ``{"report": {"style": "brief"}}``.

    A name given several times is a list; a name without a value counts as unset.
    """
    try:
        raw = request.scope["query_string"].decode("ascii")
        pairs = parse_qsl(raw, encoding="utf-8", errors="strict", max_num_fields=MAX_QUERY_FIELDS)
    except UnicodeDecodeError:
        raise InvalidEncoding from None
    except ValueError:
        raise InvalidRequest(f"More than {MAX_QUERY_FIELDS} fields in a query string; send JSON instead.") from None
    tree: dict[str, Any] = {}
    for name, value in pairs:
        *folders, leaf = name.split(".") if name.count(".") < 8 else [name]
        place = tree
        for folder in folders:
            inner = place.setdefault(folder, {})
            if not isinstance(inner, dict):
                raise InvalidParameters(
                    errors=[FieldError(name, "given_twice", f"`{folder}` is given both whole and in parts.")]
                )
            place = inner
        earlier = place.get(leaf)
        if earlier is None:
            place[leaf] = value
        elif isinstance(earlier, list):
            earlier.append(value)
        elif isinstance(earlier, dict):
            raise InvalidParameters(errors=[FieldError(name, "given_twice", "Given both whole and in parts.")])
        else:
            place[leaf] = [earlier, value]
    return tree


def fit_to(model: type[BaseModel], tree: dict[str, Any]) -> dict[str, Any]:
    """Texts of a query string → what the schema has at their place: JSON text for objects and lists, or one element."""
    fitted = dict(tree)
    for name, field in model.model_fields.items():
        if name not in fitted:
            continue
        value = fitted[name]
        nested = _model_in(field.annotation)
        if nested is not None and isinstance(value, str):
            value = _json_text(value)
        if nested is not None and isinstance(value, dict):
            value = fit_to(nested, value)
        elif nested is None and _is_list(field.annotation) and isinstance(value, str):
            value = _json_text(value) if value.startswith("[") else [value]
        fitted[name] = value
    return fitted


def _json_text(text: str) -> Any:
    try:
        return clean(orjson.loads(text))
    except orjson.JSONDecodeError:
        return text


def _model_in(annotation: Any) -> type[BaseModel] | None:
    candidates = [annotation, *get_args(annotation)]
    return next((each for each in candidates if isinstance(each, type) and issubclass(each, BaseModel)), None)


def _is_list(annotation: Any) -> bool:
    return any(get_origin(each) in (list, tuple) for each in (annotation, *get_args(annotation)))


def validated(model: type[BaseModel], values: dict[str, Any]) -> Any:
    """:raises InvalidParameters: with what is wrong with each field."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InvalidParameters(errors=field_errors(error)) from None


def field_errors(error: ValidationError) -> list[FieldError]:
    """In the words of JSON. A list is not called too short for elements that are there, and wrong."""
    found = error.errors(include_url=False, include_input=False)
    faulty = {each["loc"][:depth] for each in found for depth in range(len(each["loc"]))}
    return [_field_error(each) for each in found if each["type"] != "too_short" or each["loc"] not in faulty]


def _field_error(told: Mapping[str, Any]) -> FieldError:
    loc, code, message = told["loc"], told["type"], told["msg"].removeprefix("Value error, ").rstrip(".")
    message = _PYTHON_WORDS.sub(lambda word: _JSON_WORDS[word[0]], message).replace(" after validation", "")
    cause = told.get("ctx", {}).get("error")
    if isinstance(cause, WrongField):
        loc, code = (*loc, cause.path), cause.code
    return FieldError(".".join(map(str, loc)), code, message)


_JSON_WORDS = {"tuple": "list", "Tuple": "List", "dictionary": "object", "Dictionary": "Object"}
_PYTHON_WORDS = re.compile(r"\b(?:tuple|Tuple|dictionary|Dictionary)\b(?= should| or|$)")
