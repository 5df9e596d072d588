"""What a function's role in the template lets it do, judged as IAM would for what we use of IAM."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from fnmatch import fnmatchcase
from typing import Any

ACCOUNT = {
    "${AWS::Partition}": "aws",
    "${AWS::Region}": "us-east-1",
    "${AWS::AccountId}": "123456789012",
    "${AWS::StackName}": "uptime-test",
}


@dataclass(frozen=True, slots=True)
class Act:
    """One action on one resource; `partition_key` for items of a table."""

    action: str
    resource: str
    partition_key: str | None = None


QUEUE_CONSUMER = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
"""What Lambda does with a role's rights, before and after it calls the function."""


class Rights:
    """`names` gives the resources' names by their logical ids. Remembers what it has allowed."""

    def __init__(self, template: Mapping[str, Any], function: str, names: Mapping[str, str]) -> None:
        (role, _) = template["Resources"][function]["Properties"]["Role"]["Fn::GetAtt"]
        policies = template["Resources"][role]["Properties"]["Policies"]
        self._statements = [s for p in policies for s in p["PolicyDocument"]["Statement"]]
        self._names = names
        self._used: set[tuple[str, str]] = set()

    def allow(self, act: Act) -> bool:
        granting = [statement for statement in self._statements if self._grants(statement, act)]
        for statement in granting:
            sid = str(statement["Sid"])
            self._used.add((sid, act.action))
            self._used |= {(sid, key) for key in _keys(statement) if _is_like(act, key)}
        return bool(granting)

    @property
    def unused(self) -> set[str]:
        """The actions and the patterns of keys that allowed nothing. The log is the runtime's to write."""
        return {
            f"{statement['Sid']}: {part}"
            for statement in self._statements
            for part in {*statement["Action"], *_keys(statement)} - QUEUE_CONSUMER
            if not part.startswith("logs:") and (str(statement["Sid"]), part) not in self._used
        }

    def _grants(self, statement: Mapping[str, Any], act: Act) -> bool:
        if act.action not in statement["Action"] or not self._is_of(statement["Resource"], act):
            return False
        keys = _keys(statement)
        return not keys or act.partition_key is None or any(_is_like(act, key) for key in keys)

    def _is_of(self, resource: Mapping[str, Any], act: Act) -> bool:
        if "Fn::GetAtt" in resource:
            return self._names[resource["Fn::GetAtt"][0]] == act.resource
        return fnmatchcase(act.resource, _substituted(resource["Fn::Sub"]))


def _substituted(text: str) -> str:
    for variable, value in ACCOUNT.items():
        text = text.replace(variable, value)
    return text


def _keys(statement: Mapping[str, Any]) -> Collection[str]:
    condition = statement.get("Condition", {}).get("ForAllValues:StringLike", {})
    keys: Collection[str] = condition.get("dynamodb:LeadingKeys", ())
    return keys


def _is_like(act: Act, key: str) -> bool:
    return act.partition_key is not None and fnmatchcase(act.partition_key, key)


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


def mail_acts(request: Mapping[str, Any]) -> Iterator[Act]:
    """SES asks for the right of its older interface too, where a mail comes composed."""
    (_, address) = parseaddr(request["FromEmailAddress"])
    identity = _substituted(
        f"arn:${{AWS::Partition}}:ses:${{AWS::Region}}:${{AWS::AccountId}}:identity/{address}"
    )
    yield Act("ses:SendEmail", identity)
    if "Raw" in request["Content"]:
        yield Act("ses:SendRawEmail", identity)


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
