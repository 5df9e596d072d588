from chalicelib.domain.outcome import Outcome, Reason, Status


def test_only_up_is_healthy() -> None:
    assert [status for status in Status if status.is_healthy] == [Status.UP]


def test_the_numbers_of_the_statuses_are_the_storage_format() -> None:
    assert {status.name: status.value for status in Status} == {"UP": 0, "DEGRADED": 1, "DOWN": 2}


def test_the_numbers_of_the_reasons_are_the_storage_format() -> None:
    """A new reason is a new line here; a changed line would change what is stored."""
    assert {reason.name: reason.value for reason in Reason} == {
        "NONE": 0,
        "TIMEOUT": 1,
        "NAME_NOT_FOUND": 2,
        "NAME_FAILED": 3,
        "BLOCKED": 4,
        "REFUSED": 5,
        "UNREACHABLE": 6,
        "CLOSED": 7,
        "TLS_FAILED": 8,
        "TLS_EXPIRED": 9,
        "TLS_WRONG_HOST": 10,
        "TLS_UNTRUSTED": 11,
        "PROTOCOL": 12,
        "TOO_MANY_REDIRECTS": 13,
        "BAD_REDIRECT": 14,
        "TOO_LARGE": 15,
        "NO_RECORDS": 16,
        "BAD_CODING": 17,
        "INTERNAL": 63,
        "WRONG_STATUS": 64,
        "SLOW": 65,
        "CONTENT": 66,
        "CHANGED": 67,
        "LATE": 68,
        "MISSED": 69,
        "FAILED": 70,
        "OVERRUN": 71,
        "TOO_OFTEN": 72,
        "SILENT": 73,
        "PUSHED_DOWN": 74,
        "EXPIRING": 75,
        "EXPIRED": 76,
        "UNREADABLE": 77,
    }


def test_an_outcome_without_more_has_no_response() -> None:
    assert Outcome(Status.DOWN) == Outcome(Status.DOWN, Reason.NONE, 0, 0, 0, None, "")
