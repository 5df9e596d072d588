"""One file per way to be told. A new one is one file and one line here."""

CHANNELS = {
    "email": "chalicelib.channels.email",
    "webhook": "chalicelib.channels.webhook",
    "slack": "chalicelib.channels.slack",
    "discord": "chalicelib.channels.discord",
    "telegram": "chalicelib.channels.telegram",
    "teams": "chalicelib.channels.teams",
    "pagerduty": "chalicelib.channels.pagerduty",
    "ntfy": "chalicelib.channels.ntfy",
}
"""Strategy -> module, imported on use. A module has FIELDS, `parse`, and the pure functions `render` and
`judge`."""
