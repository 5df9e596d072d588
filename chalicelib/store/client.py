"""The one DynamoDB client of a process, and what its failures mean to us."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from chalicelib.errors import Contended
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

READ_TIMEOUT_SECONDS = 2
CONNECT_TIMEOUT_SECONDS = 1
TRIES = 3
"""Together under ten seconds a call, waits included, which the anchor's margin of 15 s rests on."""


def dynamodb_client(settings: Settings) -> "DynamoDBClient":
    """A botocore client. With an endpoint of the settings it talks to the embedded engine, which takes
    any credentials."""
    import botocore.session
    from botocore.config import Config

    options: dict[str, Any] = {}
    if settings.dynamodb_endpoint:
        options = {
            "endpoint_url": settings.dynamodb_endpoint,
            "aws_access_key_id": "local",
            "aws_secret_access_key": "local",
        }
    client = botocore.session.get_session().create_client(
        "dynamodb",
        region_name=settings.aws_region,
        config=Config(
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=READ_TIMEOUT_SECONDS,
            retries={"total_max_attempts": TRIES, "mode": "standard"},
            parameter_validation=False,
            max_pool_connections=50,
            user_agent="uptime",  # botocore would compose its own anew for every call: a fifth of its CPU
        ),
        **options,
    )
    return cast("DynamoDBClient", client)


def error_code(error: BaseException) -> str:
    """DynamoDB's code of a botocore ClientError or of the PynamoDB exception around one, or ''."""
    cause = getattr(error, "cause", None) or error
    response = getattr(cause, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


THROTTLES = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "RequestLimitExceeded",
        "TransactionInProgressException",
        "InternalServerError",
    }
)
"""Nothing, or nothing new, was written; worth another try."""
CONDITION_LOST = "ConditionalCheckFailedException"


@contextmanager
def contention() -> Iterator[None]:
    """Raises Contended where another try is due: throttled, or no answer came."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except BotoCoreError as error:
        raise Contended("no answer") from error
    except ClientError as error:
        if error_code(error) in THROTTLES:
            raise Contended(error_code(error)) from error
        raise
