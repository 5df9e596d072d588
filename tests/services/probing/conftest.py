import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Known when pytest is started on this directory."""
    parser.addoption("--chaos-episodes", type=int, default=None, help="how many random episodes to play")
