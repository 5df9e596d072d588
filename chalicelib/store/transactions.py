"""One way to run a PynamoDB transaction and to say why it was refused."""

from collections.abc import Callable

from botocore.exceptions import BotoCoreError
from pynamodb.exceptions import TransactWriteError
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from chalicelib.errors import Contended
from chalicelib.store.client import THROTTLES, error_code

CONDITION_LOST = "ConditionalCheckFailed"
_COLLISIONS = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


def transact(model: type[Model], fill: Callable[[TransactWrite], None]) -> tuple[int, ...] | None:
    """Run what `fill` adds as one transaction over the connection of `model`.

    None when it was written; otherwise the indexes of the items whose condition was lost, counted in
    the order deletes, puts, updates. Raises Contended when it collided, was throttled or got no answer.
    """
    try:
        with TransactWrite(connection=model._get_connection().connection) as transaction:
            fill(transaction)
    except TransactWriteError as error:
        codes = [reason.code if reason else None for reason in error.cancellation_reasons]
        lost = tuple(index for index, code in enumerate(codes) if code == CONDITION_LOST)
        if lost:
            return lost
        if _COLLISIONS & set(codes) or error_code(error) in THROTTLES:
            raise Contended(error_code(error)) from error
        if isinstance(error.cause, BotoCoreError):
            raise Contended("no answer") from error
        raise
    return None
