"""The probe: load the pack, observe the due monitors, commit the tick."""

from chalicelib.services.probing.run import run

__all__ = ["run"]
