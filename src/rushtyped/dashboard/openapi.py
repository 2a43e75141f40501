"""The OpenAPI document, made of the table of routes."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import Response

from rushtyped.dashboard.endpoint import json_reply
from rushtyped.dashboard.replies import ErrorReply
from rushtyped.dashboard.routes import ROUTES, Asked

_COMPONENTS = "#/components/schemas/{model}"
_CONSEQUENCES = {
    "400": "A parameter or the body is wrong",
    "401": "The token is missing",
    "404": "There is no such network or task",
    "503": "The Redis server is away",
}


async def openapi(_: Request) -> Response:
    """Describe the API."""
    return json_reply(document())


@cache
def document() -> dict[str, Any]:
    """Return the document of all routes."""
    models: list[type[BaseModel]] = [ErrorReply]
    models += [asked.reply for asked in ROUTES if asked.reply is not None]
    models += [asked.question for asked in ROUTES if asked.method == "POST"]
    _, schemas = models_json_schema(
        [(model, "serialization") for model in dict.fromkeys(models)], ref_template=_COMPONENTS
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "rushtyped dashboard",
            "version": "1",
            "description": "Networks of a Redis server, live. Times are ISO 8601 in UTC, integers "
            "beyond 2^53 and nested values are text.",
        },
        "paths": {asked.path: {asked.method.lower(): _operation(asked)} for asked in ROUTES},
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _operation(asked: Asked) -> dict[str, Any]:
    reply = {"type": "object"} if asked.reply is None else _reference(asked.reply)
    consequences = dict(_CONSEQUENCES)
    if asked.method == "POST":
        consequences["403"] = "The dashboard only shows, or the request is forged"
    operation = {
        "operationId": asked.handle.__name__,
        "summary": asked.summary,
        "parameters": [*_in_path(asked), *(_in_query(asked) if asked.method == "GET" else ())],
        "responses": {
            "200": {"description": asked.summary, "content": _json(reply)},
            **{
                status: {"description": why, "content": _json(_reference(ErrorReply))}
                for status, why in sorted(consequences.items())
            },
        },
    }
    if asked.method == "POST":
        operation["requestBody"] = {"required": True, "content": _json(_reference(asked.question))}
    return operation


def _in_path(asked: Asked) -> list[dict[str, Any]]:
    names = re.findall(r"\{(\w+)\}", asked.path)
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in names
    ]


def _in_query(asked: Asked) -> list[dict[str, Any]]:
    properties = asked.question.model_json_schema().get("properties", {})
    definitions = asked.question.model_json_schema().get("$defs", {})
    return [
        {"name": name, "in": "query", "schema": _inlined(schema, definitions)}
        for name, schema in properties.items()
    ]


def _inlined(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inlined(each, definitions) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(definitions[node["$ref"].rpartition("/")[2]], definitions)
    return {name: _inlined(value, definitions) for name, value in node.items()}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _reference(model: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": _COMPONENTS.format(model=model.__name__)}
