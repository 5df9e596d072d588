"""The probe: load the pack, observe the due monitors, commit the tick."""
