"""The API as the template has it: closed, until somebody is given execute-api:Invoke on it."""

from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.functional.test_template import RESOURCES, TEMPLATE
from tests.policies import listed, statements

INVOKE = "execute-api:Invoke"
ROLES = [name for name, resource in RESOURCES.items() if resource["Type"] == "AWS::IAM::Role"]


def of_type(end: str) -> list[dict[str, Any]]:
    """The properties of every resource whose type ends like this."""
    return [r["Properties"] for r in RESOURCES.values() if r["Type"].endswith(end)]


def test_every_route_asks_iam_and_no_parameter_can_change_that() -> None:
    """A text where another value would be a reference or a condition."""
    assert [route["AuthorizationType"] for route in of_type("ApiGatewayV2::Route")] == ["AWS_IAM"]


def test_the_api_has_no_route_but_those() -> None:
    """Neither from a target or a document, nor for a page of another origin."""
    (api,) = of_type("ApiGatewayV2::Api")
    assert not {"Target", "RouteKey", "Body", "BodyS3Location", "CorsConfiguration"} & set(api)
    others = ("HttpApi", "Api::RestApi", "Serverless::Api", "Lambda::Url")
    assert [end for end in others if of_type(end)] == []
    functions = of_type("Serverless::Function")
    assert [f for f in functions if "FunctionUrlConfig" in f] == []
    events = [event["Type"] for f in functions for event in f.get("Events", {}).values()]
    assert [kind for kind in events if "Api" in kind] == []


def test_only_this_route_of_this_api_may_invoke_the_alias() -> None:
    gateways = [
        permission
        for permission in of_type("Lambda::Permission")
        if permission["Principal"] == "apigateway.amazonaws.com"
    ]
    (route,) = of_type("ApiGatewayV2::Route")
    (permission,) = gateways
    path = route["RouteKey"].replace(" ", "").replace("{userId}", "*")
    assert permission["SourceArn"]["Fn::Sub"].endswith("${ReadApi}/*/" + path)


@pytest.mark.parametrize("role", ROLES)
def test_no_role_of_the_template_is_let_in(role: str) -> None:
    """So who reads is somebody from outside, whom the operator has chosen."""
    patterns = [action for s in statements(role) for action in listed(s["Action"])]
    assert not [pattern for pattern in patterns if fnmatchcase(INVOKE, pattern)]


def test_whoever_finds_the_address_is_told_how_to_be_let_in() -> None:
    said = TEMPLATE["Outputs"]["ReadUrl"]["Description"]
    assert "signed with AWS Signature Version 4" in said
    assert INVOKE in said
