"""The texts that results carry for humans, composed from codes on reading."""

from chalicelib.domain.outcome import Outcome, Reason, Status

_FAULTS = {
    Reason.TIMEOUT: "No response within the timeout",
    Reason.NAME_NOT_FOUND: "The host name does not exist",
    Reason.NAME_FAILED: "The host name could not be resolved",
    Reason.BLOCKED: "The target's address is not allowed",
    Reason.REFUSED: "Connection refused",
    Reason.UNREACHABLE: "Host or network unreachable",
    Reason.CLOSED: "The connection was closed before a response arrived",
    Reason.TLS_FAILED: "TLS handshake failed",
    Reason.TLS_EXPIRED: "The TLS certificate has expired",
    Reason.TLS_WRONG_HOST: "The TLS certificate is for another host",
    Reason.TLS_UNTRUSTED: "The TLS certificate is not trusted",
    Reason.PROTOCOL: "The answer is not valid HTTP",
    Reason.TOO_MANY_REDIRECTS: "More than 10 redirects",
    Reason.BAD_REDIRECT: "Redirected to something that is not an http(s) URL",
    Reason.TOO_LARGE: "The response headers are too large",
    Reason.NO_RECORDS: "The name has no record of this type",
    Reason.BAD_CODING: "The response body cannot be decoded",
    Reason.INTERNAL: "The check failed inside the monitor",
    Reason.CHANGED: "The records are not the expected ones",
    Reason.EXPIRING: "The certificate expires soon",
    Reason.EXPIRED: "The certificate has expired",
    Reason.UNREADABLE: "No certificate for this host could be read",
}


def fault_text(outcome: Outcome) -> str | None:
    """Why there was no response, or not the right one of a kind without status codes; else None."""
    if outcome.status_code != 0 or outcome.status is Status.UP:
        return None
    return _FAULTS.get(outcome.reason, "The check failed")
