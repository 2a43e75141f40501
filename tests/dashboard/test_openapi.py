"""The description of the API, and whether its routes keep to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import pytest

from rushtyped.dashboard.openapi import document
from rushtyped.dashboard.routes import ROUTES
from tests.dashboard.serving import strictly
from tests.dashboard.study import StudyNetwork

TEXT = {"type": "string", "minLength": 1}
MEDIA = {
    "type": "object",
    "required": ["application/json"],
    "additionalProperties": {
        "type": "object",
        "required": ["schema"],
        "properties": {"schema": {"type": "object"}},
        "additionalProperties": False,
    },
}
OPERATION = {
    "type": "object",
    "required": ["operationId", "responses"],
    "additionalProperties": False,
    "properties": {
        "operationId": TEXT,
        "summary": TEXT,
        "parameters": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "in", "schema"],
                "additionalProperties": False,
                "properties": {
                    "name": TEXT,
                    "in": {"enum": ["path", "query"]},
                    "required": {"type": "boolean"},
                    "schema": {"type": "object"},
                },
                "if": {"properties": {"in": {"const": "path"}}},
                "then": {"required": ["required"], "properties": {"required": {"const": True}}},
            },
        },
        "requestBody": {
            "type": "object",
            "required": ["content"],
            "additionalProperties": False,
            "properties": {"required": {"type": "boolean"}, "content": MEDIA},
        },
        "responses": {
            "type": "object",
            "required": ["200"],
            "patternProperties": {
                "^[1-5][0-9]{2}$": {
                    "type": "object",
                    "required": ["description"],
                    "additionalProperties": False,
                    "properties": {"description": TEXT, "content": MEDIA},
                }
            },
            "additionalProperties": False,
        },
    },
}
OPENAPI = {
    "type": "object",
    "required": ["openapi", "info", "paths"],
    "additionalProperties": False,
    "properties": {
        "openapi": {"pattern": r"^3\.1\.\d+$"},
        "info": {
            "type": "object",
            "required": ["title", "version"],
            "additionalProperties": False,
            "properties": {"title": TEXT, "version": TEXT, "description": TEXT},
        },
        "paths": {
            "type": "object",
            "patternProperties": {
                "^/": {
                    "type": "object",
                    "properties": {"get": OPERATION, "post": OPERATION},
                    "additionalProperties": False,
                }
            },
            "additionalProperties": False,
        },
        "components": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"schemas": {"type": "object"}, "securitySchemes": {"type": "object"}},
        },
        "security": {"type": "array", "items": {"type": "object"}},
    },
}
"""What OpenAPI 3.1 asks of the parts of a document that ours has."""


def operations(described: dict[str, Any]) -> list[dict[str, Any]]:
    """List the operations of a document."""
    return [each for methods in described["paths"].values() for each in methods.values()]


def schemas_in(node: Any) -> Iterator[dict[str, Any]]:
    """Find the schemas that are given anywhere."""
    if isinstance(node, dict):
        if "schema" in node:
            yield node["schema"]
        for each in node.values():
            yield from schemas_in(each)
    elif isinstance(node, list):
        for each in node:
            yield from schemas_in(each)


def test_the_openapi_document_is_valid() -> None:
    described = document()
    jsonschema.validate(described, OPENAPI)
    names = [operation["operationId"] for operation in operations(described)]
    assert len(names) == len(set(names)) == len(ROUTES)
    for schema in schemas_in(described["paths"]):
        whole = {**schema, "components": described["components"]}
        jsonschema.Draft202012Validator.check_schema(whole)
        jsonschema.Draft202012Validator(whole).is_valid(
            {}
        )  # raises where a reference leads nowhere
    for schema in described["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_the_openapi_document_declares_what_stands_in_its_paths() -> None:
    for path, methods in document()["paths"].items():
        for operation in methods.values():
            in_path = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
            assert in_path == set(re.findall(r"{(\w+)}", path))
            assert operation["summary"]


@pytest.mark.parametrize("asked", ROUTES, ids=lambda asked: asked.path)
def test_every_route_replies_as_the_document_says(
    controller: httpx.Client, studied: StudyNetwork, asked: Any
) -> None:
    described = controller.get("/api/openapi.json").json()
    operation = described["paths"][asked.path][asked.method.lower()]
    path = asked.path.format(
        network_id=studied.network_id, name="states", key=studied.finished_tasks[0]
    )
    if asked.method == "GET":
        reply = controller.get(path)
    else:
        reply = controller.post(path, json={"retry": {"keys": []}}.get(asked.handle.__name__))
    status = str(reply.status_code) if asked.handle.__name__ != "stop" else "400"
    assert status in {"200", "400"}
    schema = operation["responses"][status]["content"]["application/json"]["schema"]
    whole = {**schema, "components": described["components"]}
    jsonschema.validate(strictly(reply.text), whole)
