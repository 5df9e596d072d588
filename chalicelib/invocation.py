"""Synchronous calls of another function of the deployment."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chalicelib.domain.outcome import Outcome
from chalicelib.domain.outcome_json import outcome_from_json

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class InvocationFailed(Exception):
    """The other function crashed or could not be run; its own log says why."""


class LambdaAdhoc:
    """Satisfies `Adhoc`: the ping runs in the function that has no rights on any table."""

    def __init__(self, client: "LambdaClient", function: str) -> None:
        self._client = client
        self._function = function

    def ping(self, kind: str, spec: Mapping[str, Any], extras: Mapping[str, Any]) -> Outcome | None:
        request = {"kind": kind, "spec": dict(spec), "extras": dict(extras)}
        response = self._client.invoke(FunctionName=self._function, Payload=json.dumps(request).encode())
        answer = json.loads(response["Payload"].read())
        if response.get("FunctionError"):
            raise InvocationFailed(str(answer.get("errorType")))
        outcome = answer["outcome"]
        return None if outcome is None else outcome_from_json(outcome)
