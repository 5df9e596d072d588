"""`make bench`: prints figures beside their targets. Never part of the tests."""

from bench import http_checks, units

if __name__ == "__main__":
    http_checks.main()
    units.main()
