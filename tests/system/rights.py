"""What a function's role in the template lets it do, judged as IAM would for what we use of IAM."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True, slots=True)
class Act:
    """One action on one resource; `partition_key` for items of a table."""

    action: str
    resource: str
    partition_key: str | None = None


class Rights:
    """`names` gives the resources' names by their logical ids."""

    def __init__(self, template: Mapping[str, Any], function: str, names: Mapping[str, str]) -> None:
        (role, _) = template["Resources"][function]["Properties"]["Role"]["Fn::GetAtt"]
        policies = template["Resources"][role]["Properties"]["Policies"]
        self._statements = [s for p in policies for s in p["PolicyDocument"]["Statement"]]
        self._names = names

    def allow(self, act: Act) -> bool:
        return any(self._grants(statement, act) for statement in self._statements)

    def _grants(self, statement: Mapping[str, Any], act: Act) -> bool:
        resource = statement["Resource"].get("Fn::GetAtt")
        if act.action not in statement["Action"] or resource is None:
            return False
        if self._names[resource[0]] != act.resource:
            return False
        keys = statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
        if keys is None or act.partition_key is None:
            return True
        return any(fnmatchcase(act.partition_key, key) for key in keys)


def dynamodb_acts(operation: str, request: Mapping[str, Any]) -> Iterator[Act]:
    """The rights that a call needs: a transaction those of its items, a batch its own for every key."""
    if operation in {"TransactWriteItems", "TransactGetItems"}:
        for entry in request["TransactItems"]:
            for verb, item in entry.items():
                yield _act(_ITEM_ACTIONS[verb], item["TableName"], item.get("Key") or item["Item"])
    elif operation == "BatchGetItem":
        for table, wanted in request["RequestItems"].items():
            yield from (_act(operation, table, key) for key in wanted["Keys"])
    elif operation == "BatchWriteItem":
        for table, writes in request["RequestItems"].items():
            for write in writes:
                item = write["PutRequest"]["Item"] if "PutRequest" in write else write["DeleteRequest"]["Key"]
                yield _act(operation, table, item)
    elif operation == "Query":
        yield Act("dynamodb:Query", request["TableName"], _queried_key(request))
    else:
        yield _act(operation, request.get("TableName", "*"), request.get("Key") or request.get("Item") or {})


_ITEM_ACTIONS = {
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


def _act(operation: str, table: str, key: Mapping[str, Any]) -> Act:
    return Act(f"dynamodb:{operation}", table, key.get("pk", {}).get("S"))


def _queried_key(request: Mapping[str, Any]) -> str:
    names = request.get("ExpressionAttributeNames", {})
    for name, value in re.findall(r"(#?\w+)\s*=\s*(:\w+)", request["KeyConditionExpression"]):
        if names.get(name, name) == "pk":
            return str(request["ExpressionAttributeValues"][value]["S"])
    raise AssertionError(f"a query without a partition key: {request['KeyConditionExpression']}")
