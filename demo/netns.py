"""Network namespaces for the demo, the tests and the benchmarks.

A namespace is a name under `/run/netns`, made and removed by `ip netns`. Sockets in it
are made from this process, so one program can call from the internet, look at the
gateway and answer on a device. Names share a prefix, so that `purge` finds what a
killed run has left behind.

Whatever changes a namespace's links goes through `Namespace.ip`: one `ip -batch`
process per namespace, because starting processes is what takes the time.
"""

from collections.abc import Iterable, Iterator, Mapping
import contextlib
from dataclasses import dataclass
import os
from pathlib import Path
import select
import shutil
import signal
import socket
import subprocess
import time

NETNS = Path("/run/netns")
"""Where `ip netns` keeps one mounted file per namespace."""

ETC_NETNS = Path("/etc/netns")
"""Files here hide those of /etc for what `ip netns exec` runs."""

WITH_PARENT = ("setpriv", "--pdeathsig", "KILL")
"""Put before a command, it ends with the thread that has started it, come what may."""

LINK_NAME_MAX = 15


class NetnsError(Exception):
    """The kernel, or ip, has refused something."""


@dataclass(frozen=True, slots=True)
class Namespace:
    """One network namespace, by name. Making the object makes nothing."""

    name: str

    @property
    def path(self) -> Path:
        """The file that stands for the namespace."""
        return NETNS / self.name

    @property
    def etc(self) -> Path:
        """The directory of its own /etc files."""
        return ETC_NETNS / self.name

    def exists(self) -> bool:
        """Tell whether the namespace is there."""
        return self.path.exists()

    def ip(self, lines: Iterable[str]) -> None:
        """Run these `ip` commands inside, in one process."""
        _ip_batch(lines, "-n", self.name)

    def sysctl(self, settings: Mapping[str, int | str]) -> None:
        """Set sysctls inside; a dot in a link's name is written as a slash."""
        with inside(self):
            for key, value in settings.items():
                path = key.translate(str.maketrans("./", "/."))
                Path("/proc/sys", path).write_text(f"{value}\n", encoding="ascii")

    def write_etc(self, name: str, text: str) -> None:
        """Give programs inside their own /etc/<name>."""
        self.etc.mkdir(parents=True, exist_ok=True)
        (self.etc / name).write_text(text, encoding="utf-8")

    def command(self, *command: str) -> list[str]:
        """The command line that runs this command inside."""
        return ["ip", "netns", "exec", self.name, *command]

    def run(
        self, *command: str, stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside and return what it wrote."""
        done = subprocess.run(
            self.command(*command),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise NetnsError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done


def veth(
    name: str, peer: str, peer_namespace: Namespace, *, mac: str, peer_mac: str
) -> list[str]:
    """A cable: a link here and its other end in another namespace, both up here."""
    for link in (name, peer):
        if len(link) > LINK_NAME_MAX:
            raise NetnsError(
                f"{link}: a link's name has at most {LINK_NAME_MAX} letters"
            )
    return [
        f"link add {name} address {mac} type veth"
        f" peer name {peer} address {peer_mac} netns {peer_namespace.name}",
        f"link set {name} up",
    ]


def bridge(name: str, *, mac: str) -> list[str]:
    """A switch that is also a link of its namespace."""
    return [f"link add {name} address {mac} type bridge", f"link set {name} up"]


def plug(port: str, into: str) -> list[str]:
    """A link becomes a port of a bridge."""
    return [f"link set {port} master {into}"]


def address(link: str, *addresses: str) -> list[str]:
    """Static addresses; nobody else has them, so they are not asked about first."""
    return [
        f"addr add {each} dev {link}" + (" nodad" if ":" in each else "")
        for each in addresses
    ]


def default_routes(*gateways: str) -> list[str]:
    """Everything else goes by these, one per family."""
    return [route("::/0" if ":" in via else "0.0.0.0/0", via) for via in gateways]


def route(destination: str, via: str) -> str:
    """One destination goes by this router."""
    return f"route add {destination} via {via}"


@contextlib.contextmanager
def inside(namespace: Namespace) -> Iterator[None]:
    """Be in a namespace, with this thread only: never await anything meanwhile."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        there = os.open(namespace.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.setns(there, os.CLONE_NEWNET)
        finally:
            os.close(there)
        try:
            yield
        finally:
            os.setns(before, os.CLONE_NEWNET)
    finally:
        os.close(before)


def socket_in(
    namespace: Namespace,
    family: socket.AddressFamily,
    kind: socket.SocketKind = socket.SOCK_STREAM,
    proto: int = 0,
) -> socket.socket:
    """Make a socket that lives in a namespace, whoever uses it from where."""
    with inside(namespace):
        return socket.socket(family, kind, proto)


def create(*namespaces: Namespace) -> None:
    """Make these namespaces, with `lo` up and nothing else."""
    _ip_batch(f"netns add {namespace.name}" for namespace in namespaces)
    for namespace in namespaces:
        namespace.ip(["link set lo up"])


def delete(*namespaces: Namespace) -> None:
    """Remove these namespaces and their /etc files, but no process inside."""
    present = [namespace for namespace in namespaces if namespace.exists()]
    if present:
        _ip_batch(f"netns del {namespace.name}" for namespace in present)
    for namespace in namespaces:
        shutil.rmtree(namespace.etc, ignore_errors=True)


def find(prefix: str) -> list[Namespace]:
    """The namespaces whose names begin like this."""
    return [Namespace(path.name) for path in sorted(NETNS.glob(f"{prefix}*"))]


def processes(*namespaces: Namespace) -> list[int]:
    """The processes inside any of these, as `ip netns pids` finds them."""
    wanted = set()
    for namespace in namespaces:
        with contextlib.suppress(OSError):
            wanted.add(_identity(namespace.path))
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            # Gone since, or a kernel thread: either way not one of ours.
            with contextlib.suppress(OSError):
                if _identity(process / "ns/net") in wanted:
                    found.append(int(process.name))
    return found


def purge(prefix: str) -> list[Namespace]:
    """Remove all namespaces of a prefix with every process inside; tell which."""
    if not prefix:
        raise ValueError("An empty prefix would be everybody's namespaces")
    namespaces = find(prefix)
    # A process may have had a child in the meantime, so look until there is none.
    while victims := set(processes(*namespaces)) - {os.getpid()}:
        _kill(victims)
    delete(*namespaces)
    for leftover in ETC_NETNS.glob(f"{prefix}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    return namespaces


def _kill(pids: Iterable[int], within: float = 5.0) -> None:
    """Kill processes and return when they are gone."""
    with contextlib.ExitStack() as stack:
        poll = select.poll()
        waiting = set()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                process = os.pidfd_open(pid)
                stack.callback(os.close, process)
                signal.pidfd_send_signal(process, signal.SIGKILL)
                poll.register(process, select.POLLIN)
                waiting.add(process)
        deadline = time.monotonic() + within
        while waiting:
            ended = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
            if not ended:
                raise NetnsError(f"{len(waiting)} processes do not end when killed")
            for process, _ in ended:
                poll.unregister(process)
                waiting.discard(process)


def _identity(path: Path) -> tuple[int, int]:
    """What is the same for two files of one namespace."""
    stat = path.stat()
    return stat.st_dev, stat.st_ino


def _ip_batch(lines: Iterable[str], *options: str) -> None:
    """Run `ip` commands in one process; the first that fails ends it."""
    batch = list(lines)
    done = subprocess.run(
        ["ip", *options, "-batch", "-"],
        input="".join(f"{line}\n" for line in batch),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        where = " ".join(["ip", *options])
        number = done.stderr.rpartition("Command failed -:")[2].strip()
        failed = batch[int(number) - 1] if number.isdecimal() else " ; ".join(batch)
        raise NetnsError(f"{where} {failed}: {done.stderr.strip()}")
