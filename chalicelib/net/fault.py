"""What went wrong, in our words: libcurl's and OpenSSL's errors as reasons."""

import errno
from typing import Final

import pycurl

from chalicelib.domain.outcome import Reason


def reason_for(code: int, verify_result: int, os_error: int) -> Reason:
    """What a libcurl error means for a check. `verify_result` is OpenSSL's."""
    if os_error in _OUR_ERRORS:
        return Reason.INTERNAL
    if code == pycurl.E_PEER_FAILED_VERIFICATION:
        return _VERIFY_REASONS.get(verify_result, Reason.TLS_FAILED)
    if code == pycurl.E_COULDNT_CONNECT:
        return Reason.REFUSED if os_error == errno.ECONNREFUSED else Reason.UNREACHABLE
    return _REASONS.get(code, Reason.PROTOCOL)


# Out of files, memory or buffers.
_OUR_ERRORS: Final = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS))
_REASONS: Final = {
    pycurl.E_COULDNT_RESOLVE_HOST: Reason.NAME_FAILED,
    pycurl.E_OPERATION_TIMEDOUT: Reason.TIMEOUT,
    pycurl.E_PARTIAL_FILE: Reason.CLOSED,
    pycurl.E_GOT_NOTHING: Reason.CLOSED,
    pycurl.E_SEND_ERROR: Reason.CLOSED,
    pycurl.E_RECV_ERROR: Reason.CLOSED,
    pycurl.E_SSL_CONNECT_ERROR: Reason.TLS_FAILED,
    pycurl.E_SSL_CERTPROBLEM: Reason.TLS_FAILED,
    pycurl.E_SSL_CIPHER: Reason.TLS_FAILED,
    pycurl.E_SSL_ISSUER_ERROR: Reason.TLS_FAILED,
    # Ours alone, hence no result of the target's.
    pycurl.E_FAILED_INIT: Reason.INTERNAL,
    pycurl.E_OUT_OF_MEMORY: Reason.INTERNAL,
    pycurl.E_BAD_FUNCTION_ARGUMENT: Reason.INTERNAL,
    pycurl.E_SSL_CACERT_BADFILE: Reason.INTERNAL,
    100: Reason.TOO_LARGE,  # CURLE_TOO_LARGE, which pycurl has no name for: one endless header line
}
_VERIFY_REASONS: Final = {
    # The chain is good, so it was libcurl's own comparison of names that failed; newer ones say 1 then.
    0: Reason.TLS_WRONG_HOST,
    1: Reason.TLS_WRONG_HOST,
    2: Reason.TLS_UNTRUSTED,  # issuer's certificate missing
    10: Reason.TLS_EXPIRED,
    18: Reason.TLS_UNTRUSTED,  # self-signed
    19: Reason.TLS_UNTRUSTED,  # self-signed somewhere in the chain
    20: Reason.TLS_UNTRUSTED,  # issuer unknown
    21: Reason.TLS_UNTRUSTED,  # cannot verify the leaf
    62: Reason.TLS_WRONG_HOST,
    64: Reason.TLS_WRONG_HOST,  # the same for an address
}
