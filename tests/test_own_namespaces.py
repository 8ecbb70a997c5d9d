"""`scripts/own-namespaces`: what a command finds there, and what is left of it."""

import os
from pathlib import Path
import subprocess

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts/own-namespaces"
NAME = f"portshare-test-{os.getpid()}"

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
ROOT_WITHOUT_NETWORKS = [
    *("unshare", "--user", "--map-root-user", "bash", "-c"),
    'echo 0 >/proc/sys/user/max_net_namespaces; exec "$@"',
    "bash",
]
USER_WITHOUT_NETWORKS = [*ROOT_WITHOUT_NETWORKS, "unshare", "--user", "--map-user=1000"]


def run(command: str, *, by: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a shell's command there, by whoever it is.

    Others may not read our files, so they are given the script and no name of it.
    """
    script = SCRIPT.read_text(encoding="utf-8")
    return subprocess.run(
        [*by, "bash", "-c", script, SCRIPT.name, "bash", "-euc", command],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


def seen(command: str) -> list[str]:
    """What a command tells of where it is, line by line."""
    done = run(command, by=[])
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.fixture
def ordinary_user() -> list[str]:
    """How to become one, but for who is one: root of own namespaces is nobody else."""
    done = subprocess.run([*NOBODY, "true"], capture_output=True, check=False)
    return [] if done.returncode else NOBODY


def test_the_network_is_its_own_and_has_a_loopback() -> None:
    network, *links = seen("readlink /proc/self/ns/net; ip -brief link show up")
    assert network != str(Path("/proc/self/ns/net").readlink())
    assert [link.split()[0] for link in links] == ["lo"]


def test_run_is_empty_and_etc_is_as_on_the_machine() -> None:
    *runs, users = seen("ls /run; wc --lines </etc/passwd")
    assert {"etc", "lock"} <= set(runs) <= {"etc", "lock", "mount"}
    assert int(users) == len(Path("/etc/passwd").read_text("utf-8").splitlines())


def test_what_is_made_there_is_left_nowhere() -> None:
    made = [f"{each}/{NAME}" for each in ("/etc", "/etc/netns", "/run/netns")]
    make = f"mkdir {made[0]} {made[1]}; ip netns add {NAME}"
    assert seen(f"{make}; ls --directory {' '.join(made)} | sort") == sorted(made)
    assert not any(Path(each).exists() for each in made)


def test_the_command_says_how_it_ends() -> None:
    assert run("exit 3", by=[]).returncode == 3


def test_an_ordinary_user_is_root_there_or_told_what_to_do(
    ordinary_user: list[str],
) -> None:
    """Some machines forbid such namespaces."""
    done = run(f"id --user; mkdir /etc/netns/{NAME}", by=ordinary_user)
    if done.returncode:
        assert_told(done, "please run it as root")
    else:
        assert (done.stdout, done.stderr) == ("0\n", "")


@pytest.mark.parametrize(
    ("who", "advice"),
    [
        (ROOT_WITHOUT_NETWORKS, "the container needs SYS_ADMIN and NET_ADMIN"),
        (USER_WITHOUT_NETWORKS, "please run it as root"),
    ],
)
def test_where_it_is_forbidden_one_sentence_says_so(
    who: list[str], advice: str
) -> None:
    assert_told(run("echo here", by=who), advice)


def assert_told(done: subprocess.CompletedProcess[str], advice: str) -> None:
    assert (done.returncode, done.stdout) == (1, "")
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith(
        f"This machine does not let us make network namespaces: {advice}"
    )
