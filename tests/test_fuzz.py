"""The fuzzer works: for a moment it finds nothing, and it finds what is wrong."""

import asyncio
from pathlib import Path
import subprocess

import pytest

from custom_components.portshare.independent import natpmp as codec
from fuzz import household, natpmp, runner

REPOSITORY = Path(__file__).parent.parent


def test_nothing_is_found_in_a_moment() -> None:
    """In all targets, with the same inputs each time."""
    done = subprocess.run(
        ["scripts/fuzz", "--seed", "1", "--count", "200"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": nothing") == 9


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where findings are written."""
    monkeypatch.setattr(runner, "FOUND", tmp_path)
    return tmp_path / "natpmp-1.txt"


def fuzz() -> None:
    runner.run(natpmp.KIND, seed=1, most=20_000, seconds=None)


def test_an_exception_is_found(found: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what leads to it, and how to find it again."""

    def parse(datagram: bytes) -> None:
        raise RuntimeError("oops")

    monkeypatch.setattr(codec, "parse", parse)
    fuzz()
    text = found.read_text()
    assert text.startswith("Again: scripts/fuzz --seed 1 --count ")
    assert "RuntimeError: oops" in text


def test_a_mapping_without_permission_is_found(
    found: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(household, "PERMITTED", frozenset({household.PC}))
    fuzz()
    assert "without permission" in found.read_text()


def test_an_answer_that_is_too_long_is_found(
    found: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codec, "grant", lambda *_: b"\0\x81" + bytes(100))
    fuzz()
    assert "102 octets to 12" in found.read_text()


def test_a_task_that_is_left_is_found(
    found: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def rest(_: object) -> None:
        left.append(asyncio.create_task(asyncio.sleep(3600)))

    left: list[asyncio.Task[None]] = []
    monkeypatch.setattr(natpmp.NatPmp, "rest", rest)
    fuzz()
    assert "tasks are left" in found.read_text()


def test_memory_that_grows_is_found(
    found: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def rest(_: object) -> None:
        kept.extend([object()] for _ in range(5_000))

    kept: list[list[object]] = []
    monkeypatch.setattr(natpmp.NatPmp, "rest", rest)
    monkeypatch.setattr(natpmp.NatPmp, "round", 1_000)
    fuzz()
    assert "memory grows" in found.read_text()
