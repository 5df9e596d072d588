"""One file per kind of check. A new kind is one file and one line here."""

CHECKERS = {
    "http": "chalicelib.checkers.http",
    "tcp": "chalicelib.checkers.tcp",
    "dns": "chalicelib.checkers.dns",
}
"""Kind -> module, imported on use. A module has `parse`, and the pure functions `plan` and `judge`."""
