"""The run: one happening after the other, until the time is over or something is wrong."""

from collections import Counter, deque
import contextlib
from dataclasses import dataclass, field
import time
from typing import Final

from demo import DemoError
from demo.checks import Checks
from demo.demo import Demo
from demo.doors import Doors
from demo.household import Household as House
from demo.netns import NetnsError
from demo.report import Report
from demo.services import Services

from .chance import Chance, Moment
from .driver import Driver
from .eyes import Eyes
from .figures import Figures, measure
from .happenings import Kill, Start, Stop
from .services import OFFERED

REMEMBERED: Final = 30
HOURS_PER_DAY: Final = 24
LAST_WORDS: Final = 40


@dataclass(slots=True)
class Life:
    """One process of Home Assistant: from when to when, and its figures then."""

    began: float
    settled: Figures
    happenings: int = 0
    ended: float = 0.0
    last: Figures | None = None


@dataclass(slots=True)
class Soak:
    """What has happened so far, and how long it took."""

    hours: float
    seed: int
    began: float = field(default_factory=time.monotonic)
    kinds: Counter[str] = field(default_factory=Counter)
    lives: list[Life] = field(default_factory=list)
    history: deque[Moment] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    async def run(self) -> int:
        """All of it; return the exit code."""
        report = Report()
        async with Demo(report, Doors.open(0)) as demo:
            with contextlib.ExitStack() as serving:
                for name, device in demo.home.devices.items():
                    serving.enter_context(Services(name, device.namespace, OFFERED))
                house = House(demo, report, Checks(demo.home, report))
                await house.connect()
                driver = Driver(demo, house)
                eyes = Eyes(house, driver.model, driver.closing, self.seed)
                try:
                    await driver.begin()
                    await eyes.look()
                    await self._live(demo, driver, eyes)
                except (DemoError, NetnsError, OSError) as error:
                    self._tell_divergence(demo, driver, error)
                    return 1
                self._tell(eyes)
        return 0

    async def _live(self, demo: Demo, driver: Driver, eyes: Eyes) -> None:
        chance = Chance(self.seed)
        self.lives.append(Life(0.0, measure(demo)))
        day = 1
        while (moment := chance.next(driver.model)).hours < self.hours:
            while moment.hours >= day * HOURS_PER_DAY:
                self._tell_day(demo, day, driver, eyes)
                day += 1
            self.history.append(moment)
            self.kinds[type(moment.happening).__name__] += 1
            if isinstance(moment.happening, Stop | Kill):
                self._end_life(demo, moment.hours)
            await driver.do(moment.happening)
            eyes.follow(moment.happening)
            if moment.looked:
                await eyes.look()
            if isinstance(moment.happening, Start):
                self.lives.append(Life(moment.hours, measure(demo)))
            self.lives[-1].happenings += 1
        self._tell_day(demo, day, driver, eyes)
        if driver.model.running:
            self._end_life(demo, self.hours)

    def _end_life(self, demo: Demo, hours: float) -> None:
        self.lives[-1].ended, self.lives[-1].last = hours, measure(demo)

    def _tell_day(self, demo: Demo, day: int, driver: Driver, eyes: Eyes) -> None:
        took = time.monotonic() - self.began
        now = measure(demo) if driver.model.running else "Home Assistant does not run"
        print(
            f"day {day:2}: {self.kinds.total():5} happenings,"
            f" {eyes.asked.total():7} questions, {took:6.0f} s; {now}",
            flush=True,
        )

    def _tell(self, eyes: Eyes) -> None:
        took = time.monotonic() - self.began
        print(
            f"\n{self.hours:g} simulated hours as they should be, in {took:.0f} s"
            f" ({took / self.hours:.2f} s per hour), seed {self.seed}"
        )
        print(f"{self.kinds.total()} happenings:")
        for kind, number in self.kinds.most_common():
            print(f"{number:8}  {kind}")
        print(f"{eyes.asked.total()} questions asked by packets:")
        for kind, number in sorted(eyes.asked.items()):
            print(f"{number:8}  {kind}")
        print(
            "Home Assistant, each time that it ran: when it had settled, and at its end"
        )
        for life in self.lives:
            if life.last:
                lived = life.ended - life.began
                print(f"  {lived:6.1f} hours, {life.happenings} happenings")
                print(f"    {life.settled}\n    {life.last}")

    def _tell_divergence(self, demo: Demo, driver: Driver, error: Exception) -> None:
        print(f"\nDIVERGENCE\n{error or type(error).__name__}\n\nWhat happened last:")
        for moment in self.history:
            look = "" if moment.looked else "  (and at once)"
            print(f"  {moment.hours:8.3f} h  {moment.happening}{look}")
        print(f"\nThe model:\n{driver.model}\n\nThe kernel:")
        ruleset = demo.home.gateway.run("nft", "list", "ruleset", check=False).stdout
        print(ruleset)
        neighbours = demo.home.gateway.run("ip", "neigh", check=False).stdout
        print(f"The gateway's neighbours:\n{neighbours}")
        print(f"Home Assistant's last words:\n{demo.hass.last_words(LAST_WORDS)}")
        print(
            f"\nAgain: scripts/soak --hours {self.hours:g} --seed {self.seed}",
            flush=True,
        )
