"""The API's own description."""

from typing import Any, Literal

from chalicelib.routes.schemas.fields import ResponseModel


class Document(ResponseModel):
    """An OpenAPI document."""

    openapi: Literal["3.1.0"]
    info: dict[str, Any]
    servers: list[dict[str, Any]]
    tags: list[dict[str, Any]]
    paths: dict[str, dict[str, Any]]
    components: dict[str, dict[str, Any]]
