"""How big Home Assistant, its files and the kernel's table are."""

from dataclasses import dataclass
import json
from pathlib import Path
from typing import override

from demo import netns
from demo.demo import RUN, Demo

_PAGE = 4096


@dataclass(frozen=True, slots=True)
class Figures:
    """Memory in bytes, open file descriptors, elements, and bytes on disk."""

    memory: int
    descriptors: int
    threads: int
    elements: int
    stored: int

    @override
    def __str__(self) -> str:
        """Tell it in a line."""
        return (
            f"{self.memory / 2**20:6.1f} MB, {self.descriptors:3} descriptors,"
            f" {self.threads:2} threads; {self.elements:4} elements in the kernel,"
            f" {self.stored / 1024:6.1f} kB stored"
        )


def measure(demo: Demo) -> Figures:
    """Look at the process that runs now."""
    process = Path("/proc", str(_pid(demo)))
    listing = ("nft", "-j", "list", "table", "inet", "portshare")
    table = json.loads(demo.home.gateway.run(*listing).stdout)["nftables"]
    sets = [each["set"] for each in table if "set" in each]
    sets += [each["map"] for each in table if "map" in each]
    remembered = ("visitors", "answers")
    return Figures(
        memory=int((process / "statm").read_text("ascii").split()[1]) * _PAGE,
        descriptors=len(list((process / "fd").iterdir())),
        threads=len(list((process / "task").iterdir())),
        elements=sum(
            len(each.get("elem", ()))
            for each in sets
            if not each["name"].startswith(remembered)
        ),
        stored=sum(
            each.stat().st_size for each in (RUN / ".storage").glob("portshare*")
        ),
    )


def _pid(demo: Demo) -> int:
    for pid in netns.processes(demo.home.gateway):
        if b"homeassistant" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
            return pid
    raise RuntimeError("Home Assistant does not run")
