"""Answers as plain dicts, without pydantic: what is only read costs no validation and no import."""
