"""`make bench`: prints figures beside their targets. Never part of the tests."""

from bench import checks, units

if __name__ == "__main__":
    checks.main()
    units.main()
