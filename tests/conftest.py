"""Options of the whole suite: pytest looks for them only at the top."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write the listings in tests/gateway/golden anew",
    )
