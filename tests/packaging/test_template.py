"""The finishing of the template, on the little of it that matters."""

from copy import deepcopy
from typing import Any

import pytest

from app import app
from chalicelib.settings import PING_PREFIX
from packager.template import ANY_METHOD, BINARY_TYPES, CATCH_ALL, GATEWAY_RESPONSES, finish, problems

INTEGRATION = "x-amazon-apigateway-integration"
PRIVATE = {"security": [{"authorize": []}], INTEGRATION: {"type": "aws_proxy", "uri": "the function"}}
PUBLIC = {INTEGRATION: {"type": "aws_proxy", "uri": "the function"}}


def function(role: str) -> dict[str, Any]:
    return {
        "Type": "AWS::Serverless::Function",
        "Properties": {"CodeUri": "./deployment.zip", "Role": {"Fn::GetAtt": [role, "Arn"]}},
    }


def template(**paths: Any) -> dict[str, Any]:
    """A template as Chalice leaves it; `paths` replace its two."""
    own = {"/v1/monitors": {"get": PRIVATE}, "/badge/{id}": {"get": PUBLIC}}
    api = {"Type": "AWS::Serverless::Api", "Properties": {"DefinitionBody": {"paths": paths or own}}}
    resources = {"APIHandler": function("ApiRole"), "Tick": function("TickRole"), "RestAPI": api}
    return deepcopy({"Resources": resources})


def body_of(finished: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = finished["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    return body


def test_every_function_takes_its_code_from_the_zip() -> None:
    finished = finish(template(), "./uptime.zip")
    assert finished["Resources"]["APIHandler"]["Properties"]["CodeUri"] == "./uptime.zip"
    assert finished["Resources"]["Tick"]["Properties"]["CodeUri"] == "./uptime.zip"


def test_what_it_was_given_stays_as_it_was() -> None:
    given = template()
    finish(given, "./uptime.zip")
    assert given == template()


def test_other_methods_of_every_path_reach_the_function_without_a_key() -> None:
    for item in body_of(finish(template(), "z"))["paths"].values():
        assert item[ANY_METHOD][INTEGRATION]["uri"] == "the function"
        assert "security" not in item[ANY_METHOD]


def test_unknown_paths_reach_the_function() -> None:
    paths = body_of(finish(template(), "z"))["paths"]
    assert set(paths[CATCH_ALL]) == {ANY_METHOD}
    assert paths[CATCH_ALL][ANY_METHOD]["parameters"][0]["name"] == "proxy"


def test_the_refusing_method_names_the_variables_of_its_path() -> None:
    paths = body_of(finish(template(), "z"))["paths"]
    assert [p["name"] for p in paths["/badge/{id}"][ANY_METHOD]["parameters"]] == ["id"]


def test_the_gateways_answers_are_in_the_body_so_that_a_change_of_them_deploys() -> None:
    assert "UNAUTHORIZED" in body_of(finish(template(), "z"))[GATEWAY_RESPONSES]


def test_bodies_of_every_type_arrive_as_bytes() -> None:
    assert body_of(finish(template(), "z"))[BINARY_TYPES] == ["*/*"]


def test_the_application_goes_by_its_own_list_so_that_its_texts_stay_texts() -> None:
    assert not set(app.api.binary_types) & {"*/*", "text/plain", "application/json", "image/svg+xml"}


def variables_of(finished: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = finished["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"]
    return found


def test_the_function_is_told_what_its_routes_were_declared_with() -> None:
    paths = {"/of/jobs/{code}": {"get": PUBLIC}}
    finished = finish(template(**paths), "z", {PING_PREFIX: "/of/jobs"})
    assert variables_of(finished) == {PING_PREFIX: "/of/jobs"}
    assert problems(finished) == []


def test_a_prefix_that_no_route_has_is_named() -> None:
    given = template(**{"/hb/{code}": {"get": PUBLIC}})
    given["Resources"]["APIHandler"]["Properties"]["Environment"] = {"Variables": {PING_PREFIX: "/other"}}
    finished = finish(given, "z", {PING_PREFIX: "/hb"})
    assert variables_of(finished) == {PING_PREFIX: "/other"}
    (problem,) = problems(finished)
    assert problem.startswith("UPTIME_PING_PREFIX: no route begins with /other")


def test_a_finished_template_has_no_problems() -> None:
    assert problems(finish(template(), "z")) == []


@pytest.mark.parametrize(
    ("paths", "problem"),
    [
        ({"/v1/monitors": {"get": PUBLIC}}, "GET /v1/monitors: no authorizer"),
        ({"/badge/{id}": {"get": PRIVATE}}, "GET /badge/{id}: an authorizer on a public path"),
        ({"/v1/openapi.json": {"get": PRIVATE}}, "GET /v1/openapi.json: an authorizer on a public path"),
        (
            {"/v1/m/{id}": {"get": PRIVATE}, "/v1/m/{name}/results": {"get": PRIVATE}},
            "/v1/m/{name}/results: {name} beside {id} under /v1/m",
        ),
        ({"/v1/m": {"get": PRIVATE, ANY_METHOD: PRIVATE}}, "/v1/m: an authorizer on the refusing method"),
    ],
)
def test_a_path_that_would_be_wrong_is_named(paths: dict[str, Any], problem: str) -> None:
    assert problems(template(**paths)) == [problem]


def test_the_document_of_the_api_needs_no_key() -> None:
    assert problems(template(**{"/v1/openapi.json": {"get": PUBLIC}})) == []


def test_a_resource_that_a_misspelling_made_is_named() -> None:
    given = template()
    given["Resources"]["Tikc"] = {"Properties": {"Timeout": 1}}
    assert problems(given) == ["Tikc: a resource without a type"]


def test_a_shared_role_is_named() -> None:
    given = template()
    given["Resources"]["Tick"]["Properties"]["Role"] = {"Fn::GetAtt": ["ApiRole", "Arn"]}
    assert problems(given) == ["Tick: shares its role with APIHandler"]
