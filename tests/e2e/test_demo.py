"""The demo home does the main job by itself."""

from pathlib import Path
import subprocess

ROOT = Path(__file__).parents[2]


def test_the_demos_own_test_passes() -> None:
    done = subprocess.run(
        [ROOT / "scripts/demo", "--selftest"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
