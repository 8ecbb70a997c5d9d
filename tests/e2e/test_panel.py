"""The page in the sidebar does what it is for: Chromium, against the demo home.

`scripts/build-frontend` installs the packages that its tests need.
"""

from collections.abc import Iterator
import os
from pathlib import Path
import re
import subprocess

import pytest

ROOT = Path(__file__).parents[2]
READY = "Ctrl-C ends it"
"""The last words of the demo before it waits for its end."""


@pytest.fixture
def demo() -> Iterator[str]:
    """The address of a demo home that runs."""
    with subprocess.Popen(
        [ROOT / "scripts/demo"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            said = ""
            while READY not in said:
                line = process.stdout.readline()
                assert line, said
                said += line
            address = re.search(r"Home Assistant +(http\S+)\n", said)
            assert address, said
            yield address[1]
        finally:
            process.terminate()


def test_the_page_works_in_a_browser(demo: str) -> None:
    done = subprocess.run(
        ["npm", "run", "--silent", "e2e"],
        cwd=ROOT / "frontend",
        env={**os.environ, "PORTSHARE_DEMO": demo},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
