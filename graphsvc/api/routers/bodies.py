"""Bodies of the typed HTTP calls below `/v1`: parsed without repeating a value, and described in OpenAPI."""

from importlib.metadata import version
from typing import Any, TypeVar

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ValidationError

from graphsvc.api.errors import BadInput

SHOWN_FAULTS = 5
"""Faults of a body that an answer names."""
Body = TypeVar("Body", bound=BaseModel)


def describe_body(model: type[BaseModel]) -> dict[str, Any]:
    """Return what a route adds to its description: its body and that it needs a key.

    The route reads the body itself, after the key, so that no stranger makes the service parse a megabyte.
    """
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {"requestBody": body, "security": [{"key": []}]}


def parse_body(body: bytes, model: type[Body], item: type[BaseModel], what: str) -> Body:
    """Parse a body.

    Args:
        body: JSON.
        model: of the body.
        item: of the things in its list.
        what: name of the request, for the message.

    Raises:
        BadInput: it is no such request; names fields and faults, never a value.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        # Names that are not ours may be a person's and are not repeated.
        known = {*item.model_fields, *model.model_fields}
        named = [f"{_name_place(each['loc'], known)}: {each['type']}" for each in faults[:SHOWN_FAULTS]]
        more = f" and {len(faults) - SHOWN_FAULTS} more" if len(faults) > SHOWN_FAULTS else ""
        raise BadInput(
            f"The body is no {what} ({'; '.join(named)}{more}).", "See /v1/openapi.json."
        ) from None


def _name_place(place: tuple[int | str, ...], known: set[str]) -> str:
    return ".".join(str(part) if isinstance(part, int) or part in known else "?" for part in place) or "body"


def build_description(routers: list[APIRouter], bodies: list[type[BaseModel]]) -> dict[str, Any]:
    """Build the OpenAPI description of some routers, whose routes read `bodies`."""
    routes = [route for router in routers for route in router.routes]
    described = get_openapi(title="graphsvc", version=version("graphsvc"), routes=routes)
    parts = described.setdefault("components", {})
    parts["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    for body in bodies:
        asked = body.model_json_schema(ref_template="#/components/schemas/{model}")
        parts["schemas"].update({**asked.pop("$defs", {}), body.__name__: asked})
    return described
