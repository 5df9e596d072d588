"""Delivery: hear what the outbox says, look at what is due, send, and only then write that it was sent."""
