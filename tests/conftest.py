"""Options of the whole suite: pytest looks for them only at the top."""

from asyncio import constants

import pytest

# The event loop is in debug mode, and notes where each future and call was made. Ten
# frames of that, instead of one, take half of the time that the tests do.
constants.DEBUG_STACK_DEPTH = 1  # type: ignore[misc]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write the listings in tests/gateway/golden anew",
    )
