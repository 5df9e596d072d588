"""A team and the person who owns it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Team:
    """A tenant. Exactly one owner, a person known by an e-mail address."""

    id: str
    name: str
    slug: str
    owner_id: str
    owner_email: str
    created_at: datetime
