"""What is written by hand: the policies, Chalice's configuration, the merged template."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import botocore.session
import pytest
from chalice.package import YAMLTemplateSerializer
from chalice.utils import to_cfn_resource_name

from app import app
from chalicelib.channels.sender import MAIL_SECONDS
from chalicelib.domain.api_key import GATEWAY_PATTERN
from chalicelib.domain.metric import OWN_FAULT, metric_line
from chalicelib.invocation import LambdaAdhoc
from chalicelib.net.post import TIMEOUT_SECONDS
from chalicelib.services.delivering.run import ENOUGH
from chalicelib.services.pinging import MAX_SECONDS
from chalicelib.settings import Settings, from_environment
from chalicelib.store.tables import create_tables
from chalicelib.wiring import Edges

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ROOT = Path(__file__).resolve().parent.parent.parent
POLICIES = sorted((ROOT / ".chalice").glob("policy-*.json"))
CONFIG: dict[str, Any] = json.loads((ROOT / ".chalice" / "config.json").read_text())
NOT_ACTIONS = {
    "dynamodb:TransactWriteItems",
    "dynamodb:TransactGetItems",
    "sqs:SendMessageBatch",
    "sqs:DeleteMessageBatch",
}
"""Operations that IAM knows no action for: the right is that of the single one."""
OTHER_ACTIONS = {
    *("logs:CreateLogStream", "logs:PutLogEvents", "lambda:InvokeFunction"),
    "dynamodb:ConditionCheckItem",  # a transaction's look at an item that it does not write
    *("ses:SendEmail", "ses:SendRawEmail"),
}
"""Named otherwise than the operations, or of services that our code never calls by name."""

QUEUE_URLS = ("probe_queue_url", "delivery_queue_url")


@cache
def merged() -> dict[str, Any]:
    text = (ROOT / "packager" / "extra.yaml").read_text()
    template: dict[str, Any] = YAMLTemplateSerializer().load_template(text, "extra.yaml")
    return template


def statements(name: str) -> list[dict[str, Any]]:
    policy = json.loads((ROOT / ".chalice" / f"policy-{name}.json").read_text())
    found: list[dict[str, Any]] = policy["Statement"]
    return found


def rights(name: str) -> dict[str, set[str]]:
    """Actions by the logical id of their resource."""
    found: dict[str, set[str]] = {}
    for statement in statements(name):
        if "Fn::GetAtt" in statement["Resource"]:
            found.setdefault(statement["Resource"]["Fn::GetAtt"][0], set()).update(statement["Action"])
    return found


@cache
def known_actions() -> set[str]:
    session = botocore.session.get_session()
    known = {f"{s}:{o}" for s in ("dynamodb", "sqs") for o in session.get_service_model(s).operation_names}
    return (known - NOT_ACTIONS) | OTHER_ACTIONS


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_a_policy_names_known_actions_and_no_wildcard(path: Path) -> None:
    policy = json.loads(path.read_text())
    assert policy["Version"] == "2012-10-17"
    for statement in policy["Statement"]:
        assert statement["Effect"] == "Allow"
        assert set(statement["Action"]) <= known_actions(), statement["Sid"]
        assert statement["Resource"] != "*"


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_a_right_on_a_table_is_one_on_some_of_its_keys(path: Path) -> None:
    for statement in json.loads(path.read_text())["Statement"]:
        if any(action.startswith("dynamodb:") for action in statement["Action"]):
            keys = statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
            assert keys
            assert "*" not in keys


def test_the_authorizer_may_only_use_keys() -> None:
    assert rights("authorize") == {"TeamsTable": {"dynamodb:UpdateItem"}}


def test_the_tick_may_only_read_the_registry_and_send() -> None:
    assert rights("tick") == {"ChecksTable": {"dynamodb:Query"}, "ProbeQueue": {"sqs:SendMessage"}}


def test_the_probe_has_no_right_on_teams() -> None:
    assert set(rights("probe")) == {"ChecksTable", "AlertsTable", "ProbeQueue", "DeliveryQueue"}
    assert rights("probe")["DeliveryQueue"] == {"sqs:SendMessage"}


def test_the_sweep_may_only_look_and_send() -> None:
    assert rights("sweep") == {
        "ChecksTable": {"dynamodb:Query"},
        "AlertsTable": {"dynamodb:Query"},
        "DeliveryQueue": {"sqs:SendMessage"},
    }


def test_the_delivery_writes_alerts_alone() -> None:
    reading = {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"}
    assert rights("deliver")["TeamsTable"] <= reading
    assert rights("deliver")["ChecksTable"] <= reading


def test_only_the_delivery_sends_mail() -> None:
    names = [path.stem.removeprefix("policy-") for path in POLICIES]
    sending = {n for n in names for s in statements(n) if any(a.startswith("ses:") for a in s["Action"])}
    assert sending == {"deliver"}


def test_ad_hoc_pings_run_with_no_right_but_to_log() -> None:
    """They go to hosts that callers name."""
    (statement,) = statements("adhoc")
    assert set(statement["Action"]) == {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert "/aws/lambda/${AWS::StackName}-Adhoc-*" in statement["Resource"]["Fn::Sub"]


def test_only_the_api_may_start_them() -> None:
    names = [path.stem.removeprefix("policy-") for path in POLICIES]
    callers = {name: rights(name)["Adhoc"] for name in names if "Adhoc" in rights(name)}
    assert callers == {"api": {"lambda:InvokeFunction"}}


def test_only_the_api_and_the_delivery_delete() -> None:
    deleting = {"dynamodb:DeleteItem", "dynamodb:BatchWriteItem"}
    for name in ("authorize", "tick", "probe", "deadlines", "sweep", "adhoc"):
        assert not deleting & {action for actions in rights(name).values() for action in actions}


def test_policies_name_resources_that_the_template_has() -> None:
    for path in POLICIES:
        known = {*merged()["Resources"], *(to_cfn_resource_name(name) for name in deployed_names())}
        assert set(rights(path.stem.removeprefix("policy-"))) <= known


def deployed_names() -> set[str]:
    """The functions beside the API's, as Chalice has collected them."""
    declared: list[Any] = [
        *app.builtin_auth_handlers,
        *app.event_sources,
        *app.pure_lambda_functions,
    ]
    return {config.name for config in declared}


def test_every_function_has_a_policy_and_its_limits() -> None:
    functions = CONFIG["lambda_functions"]
    assert set(functions) == {"api_handler", *deployed_names()}
    assert {f["iam_policy_file"] for f in functions.values()} == {path.name for path in POLICIES}
    assert {n: (f["lambda_timeout"], f["lambda_memory_size"]) for n, f in functions.items()} == {
        "api_handler": (29, 512),
        "authorize": (10, 256),
        "tick": (60, 256),
        "deadlines": (60, 256),
        "probe": (90, 256),
        "adhoc": (28, 256),
        "deliver": (90, 512),
        "sweep": (60, 256),
    }


def test_who_waits_has_more_time_than_who_is_waited_for() -> None:
    """The longest ping, then the function that makes it, its caller's patience, the gateway's 29 seconds."""
    functions = CONFIG["lambda_functions"]
    assert MAX_SECONDS < functions["adhoc"]["lambda_timeout"] < functions["api_handler"]["lambda_timeout"]
    client: Any = cast(LambdaAdhoc, Edges(Settings(adhoc_function="f")).adhoc)._client
    patience = client.meta.config
    assert functions["adhoc"]["lambda_timeout"] <= patience.read_timeout < 29
    assert patience.retries["total_max_attempts"] == 1


def test_no_policy_is_guessed_from_the_code() -> None:
    assert CONFIG["autogen_policy"] is False
    assert set(CONFIG["stages"]) == {"local", "prod"}


@pytest.mark.parametrize(("queue", "function"), [("ProbeQueue", "probe"), ("DeliveryQueue", "deliver")])
def test_a_message_comes_back_only_when_its_run_has_ended(queue: str, function: str) -> None:
    visibility = merged()["Resources"][queue]["Properties"]["VisibilityTimeout"]
    assert visibility > CONFIG["lambda_functions"][function]["lambda_timeout"]


@pytest.mark.parametrize("kind", ["Probe", "Delivery"])
def test_a_message_that_keeps_failing_is_kept_aside(kind: str) -> None:
    redrive = merged()["Resources"][f"{kind}Queue"]["Properties"]["RedrivePolicy"]
    assert redrive == {
        "deadLetterTargetArn": {"Fn::GetAtt": [f"{kind}DeadLetters", "Arn"]},
        "maxReceiveCount": 3,
    }


@pytest.mark.parametrize(
    ("alarm", "queue"),
    [("DeadLetterAlarm", "ProbeDeadLetters"), ("DeliveryDeadLetterAlarm", "DeliveryDeadLetters")],
)
def test_a_message_that_is_kept_aside_is_an_alarm(alarm: str, queue: str) -> None:
    properties = merged()["Resources"][alarm]["Properties"]
    assert properties["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}]
    assert (properties["Threshold"], properties["ComparisonOperator"]) == (0, "GreaterThanThreshold")
    assert "AlarmActions" in properties


def test_a_delivery_has_time_for_one_more_page_when_it_takes_it() -> None:
    assert 2 * ENOUGH.total_seconds() <= CONFIG["lambda_functions"]["deliver"]["lambda_timeout"]
    assert TIMEOUT_SECONDS < MAIL_SECONDS < ENOUGH.total_seconds()


def test_the_gateways_pre_check_is_the_domains() -> None:
    definition = merged()["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    authorizer = definition["securityDefinitions"]["authorize"]["x-amazon-apigateway-authorizer"]
    without_groups = GATEWAY_PATTERN.pattern.replace("(", "").replace(")", "")
    assert authorizer["identityValidationExpression"] == f"^{without_groups}$"


def test_the_functions_variables_are_settings() -> None:
    variables = merged()["Globals"]["Function"]["Environment"]["Variables"]
    before, after = Settings(), from_environment({name: f"the {name}" for name in variables})
    changed = {
        getattr(after, name): name
        for name in ("teams_table", "checks_table", "alerts_table", *QUEUE_URLS)
        if getattr(after, name) != getattr(before, name)
    }
    assert set(changed) == {f"the {name}" for name in variables}


def test_the_delivery_alone_is_told_how_to_mail() -> None:
    resources = merged()["Resources"]
    variables = resources["Deliver"]["Properties"]["Environment"]["Variables"]
    assert variables == {"UPTIME_MAIL_FROM": {"Ref": "MailFrom"}, "UPTIME_SMTP_URL": {"Ref": "SmtpUrl"}}
    parameters = merged()["Parameters"]
    assert [parameters[name]["Default"] for name in ("MailFrom", "SmtpUrl")] == ["", ""]
    assert parameters["SmtpUrl"]["NoEcho"] is True
    assert from_environment(dict.fromkeys(variables, "")) == from_environment({})


def test_the_api_is_told_the_name_of_the_function_that_pings() -> None:
    variables = merged()["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"]
    assert variables == {"UPTIME_ADHOC_FUNCTION": {"Ref": "Adhoc"}}
    assert from_environment(dict.fromkeys(variables, "the name")).adhoc_function == "the name"


def tables() -> Iterator[dict[str, Any]]:
    return (r for r in merged()["Resources"].values() if r.get("Type") == "AWS::DynamoDB::Table")


def test_the_tables_have_the_keys_of_the_local_ones(settings: Settings, client: "DynamoDBClient") -> None:
    create_tables(settings, client)
    local = client.describe_table(TableName=settings.teams_table)["Table"]
    assert len(list(tables())) == 3
    for table in tables():
        assert table["Properties"]["KeySchema"] == local["KeySchema"]
        assert table["Properties"]["AttributeDefinitions"] == local["AttributeDefinitions"]


def test_the_tables_outlive_the_stack_and_are_paid_by_the_request() -> None:
    for table in tables():
        assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
        assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"


def test_teams_can_be_restored_and_the_others_expire() -> None:
    resources = merged()["Resources"]
    teams = resources["TeamsTable"]["Properties"]
    assert teams["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert "TimeToLiveSpecification" not in teams
    for name in ("ChecksTable", "AlertsTable"):
        ttl = resources[name]["Properties"]["TimeToLiveSpecification"]
        assert ttl == {"AttributeName": "ttl", "Enabled": True}


@pytest.mark.parametrize("function", ["Tick", "Deadlines", "Sweep"])
def test_the_silence_of_what_runs_every_minute_is_an_alarm(function: str) -> None:
    alarm = merged()["Resources"][f"{function}SilentAlarm"]["Properties"]
    assert alarm["TreatMissingData"] == "breaching"
    measured = [m["MetricStat"]["Metric"]["Dimensions"] for m in alarm["Metrics"] if "MetricStat" in m]
    assert measured == [[{"Name": "FunctionName", "Value": {"Ref": function}}]] * 2


def test_a_delivery_that_fails_sends_back_its_own_message_alone() -> None:
    source = merged()["Resources"]["Deliver"]["Properties"]["Events"]["DeliverSqsEventSource"]
    assert source["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_a_network_of_ours_that_is_away_is_an_alarm() -> None:
    alarm = merged()["Resources"]["OwnFaultAlarm"]["Properties"]
    function = {"Name": "FunctionName", "Value": {"Ref": "Probe"}}
    line = json.loads(metric_line(OWN_FAULT, "any", datetime.now(UTC)))
    (described,) = line["_aws"]["CloudWatchMetrics"]
    assert (alarm["Namespace"], alarm["MetricName"]) == (described["Namespace"], OWN_FAULT)
    assert alarm["Dimensions"] == [function]
    assert described["Dimensions"] == [[function["Name"]]]
    assert alarm["TreatMissingData"] == "notBreaching"
    assert "AlarmActions" in alarm
