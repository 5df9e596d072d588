"""Delivery: hear what the outbox says, look at what is due, send, and only then write that it was sent."""

from chalicelib.services.delivering.nudging import nudge
from chalicelib.services.delivering.run import deliver

__all__ = ["deliver", "nudge"]
