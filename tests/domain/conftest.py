"""The machine that runs the tests may be busy: examples have no deadline of their own."""

from hypothesis import settings

settings.register_profile("domain", deadline=None)
settings.load_profile("domain")
