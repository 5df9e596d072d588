"""The local runner: the deployed code over an embedded engine. Never ships."""
