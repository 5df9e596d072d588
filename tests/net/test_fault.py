import errno

import pycurl
import pytest

from chalicelib.domain.outcome import Reason
from chalicelib.net.fault import reason_for


@pytest.mark.parametrize(
    ("code", "verify_result", "os_error", "reason"),
    [
        (pycurl.E_COULDNT_RESOLVE_HOST, 0, 0, Reason.NAME_FAILED),
        (pycurl.E_COULDNT_CONNECT, 0, errno.ECONNREFUSED, Reason.REFUSED),
        (pycurl.E_COULDNT_CONNECT, 0, errno.EHOSTUNREACH, Reason.UNREACHABLE),
        (pycurl.E_COULDNT_CONNECT, 0, 0, Reason.UNREACHABLE),
        (pycurl.E_OPERATION_TIMEDOUT, 0, 0, Reason.TIMEOUT),
        (pycurl.E_GOT_NOTHING, 0, 0, Reason.CLOSED),
        (pycurl.E_RECV_ERROR, 0, errno.ECONNRESET, Reason.CLOSED),
        (pycurl.E_SEND_ERROR, 0, errno.EPIPE, Reason.CLOSED),
        (pycurl.E_PARTIAL_FILE, 0, 0, Reason.CLOSED),
        (pycurl.E_SSL_CONNECT_ERROR, 0, 0, Reason.TLS_FAILED),
        (pycurl.E_PEER_FAILED_VERIFICATION, 0, 0, Reason.TLS_WRONG_HOST),
        (pycurl.E_PEER_FAILED_VERIFICATION, 62, 0, Reason.TLS_WRONG_HOST),
        (pycurl.E_PEER_FAILED_VERIFICATION, 10, 0, Reason.TLS_EXPIRED),
        (pycurl.E_PEER_FAILED_VERIFICATION, 18, 0, Reason.TLS_UNTRUSTED),
        (pycurl.E_PEER_FAILED_VERIFICATION, 20, 0, Reason.TLS_UNTRUSTED),
        (pycurl.E_PEER_FAILED_VERIFICATION, 9, 0, Reason.TLS_FAILED),
        (pycurl.E_UNSUPPORTED_PROTOCOL, 0, 0, Reason.PROTOCOL),
        (pycurl.E_HTTP2, 0, 0, Reason.PROTOCOL),
        (8, 0, 0, Reason.PROTOCOL),
        (100, 0, 0, Reason.TOO_LARGE),
        (999, 0, 0, Reason.PROTOCOL),
        (pycurl.E_SSL_CACERT_BADFILE, 0, 0, Reason.INTERNAL),
        (pycurl.E_OUT_OF_MEMORY, 0, 0, Reason.INTERNAL),
        (pycurl.E_COULDNT_CONNECT, 0, errno.EMFILE, Reason.INTERNAL),
        (pycurl.E_COULDNT_CONNECT, 0, errno.ENOBUFS, Reason.INTERNAL),
    ],
)
def test_every_error_of_libcurl_has_a_reason(
    code: int, verify_result: int, os_error: int, reason: Reason
) -> None:
    assert reason_for(code, verify_result, os_error) is reason
