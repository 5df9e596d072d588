"""How long results can be read (contract, section 4.12). Ticks live longer than any of them."""

TICK_DAYS = 92
_HTTP_DAYS = 35
_OTHER_DAYS = 90


def retained_days(kind: str) -> int:
    """Of the results of a kind of monitor."""
    return _HTTP_DAYS if kind == "http" else _OTHER_DAYS
