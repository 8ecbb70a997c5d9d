"""Looks whether the demo home is as the model says."""

import asyncio
from collections import Counter
import functools
import ipaddress
from random import Random
import time
from typing import Final

from demo.api import ApiError
from demo.home import OTHER_CALLER
from demo.household import Household as House

from . import Divergence
from .closing import Closing
from .flow import Flow, possible
from .happenings import AddDevice, Happening, RemoveDevice, Start
from .model import (
    ASKED,
    DEVICES,
    GATEWAY_SSH,
    INSIDE,
    TRANSPORTS,
    Answer,
    Door,
    Household,
)
from .outages import Outages
from .questions import Caller, Question, ask
from .words import Words

INTERNET, OTHER = "internet", "another of the internet"

DEADLINE: Final = 20.0
"""Seconds until what the gateway has to notice by itself is said not to be noticed."""

AGAIN: Final = 0.1
"""Seconds between two looks at what is not yet as it must be."""

LATER: Final = 1.0
"""Seconds after which a wrong answer is asked for again, to show whether it stays so."""

RANDOM_PORTS: Final = 3

STAYS: Final = 0.5
"""How often somebody who has called stays on the line, if nobody does."""

HAIRPIN: Final = 0.2
"""How often somebody calls from home, too."""


class Eyes:
    """Calls what must answer and what must not, and hears what Home Assistant says."""

    def __init__(
        self, house: House, model: Household, closing: Closing, seed: int
    ) -> None:
        """Look at this house, which must be as the model says."""
        self.asked: Counter[str] = Counter()
        self._model = model
        self._closing = closing
        self._words = Words(house)
        self._house = house
        # Its own: how often is looked must not change what happens.
        self._random = Random(seed)
        self._strict = False
        self._flow: Flow | None = None
        self._outages = Outages()
        home = house.demo.home
        self._callers = {
            INTERNET: Caller(home.internet),
            OTHER: Caller(home.internet, OTHER_CALLER),
            **{name: Caller(home.devices[name].namespace) for name in DEVICES},
        }

    def follow(self, happening: Happening) -> None:
        """Note what has happened, and is to be looked at."""
        self._strict &= happening.at_once
        self._outages.follow(happening, self._model)
        if isinstance(happening, AddDevice | RemoveDevice | Start):
            self._words.forget_entities()
        if self._flow and not self._flow.follow(self._model):
            self._hang_up()

    async def look(self) -> None:
        """See that the home is as the model says. Raises a Divergence."""
        strict, self._strict = self._strict, True
        deadline = time.monotonic() + DEADLINE
        at_home = self._model.running and self._random.random() < HAIRPIN
        questions = list(self._questions(at_home=at_home))
        while wrong := await self._wrong_answers(questions):
            if strict or time.monotonic() > deadline:
                await asyncio.sleep(LATER)
                later = await self._wrong_answers(questions)
                now = "still" if later == wrong else "\n".join(later) or "all right"
                raise Divergence("\n".join([*wrong, f"a second later: {now}"]))
            await asyncio.sleep(AGAIN)
        while self._model.running and (wrong := await self._wrong_words()):
            if time.monotonic() > deadline:
                raise Divergence("\n".join(wrong))
            await asyncio.sleep(AGAIN)
        if self._model.running:
            self._outages.judge_no_more()
        await self._look_at_flow()

    async def _wrong_words(self) -> list[str]:
        """Hear what Home Assistant says, and has told; say what differs."""
        wrong = await self._words.disagreements(self._model, self._unsure())
        try:
            self._outages.hear(await self._house.heard_since())
        except ApiError as error:
            return [f"Home Assistant says: {error}"]
        return wrong + self._outages.wrong()

    async def _look_at_flow(self) -> None:
        """Who stays on the line is cut with the share, and by nothing else."""
        flow = self._flow
        if flow is None:
            openings = possible(self._model)
            if openings and self._random.random() < STAYS:
                opening, door = self._random.choice(openings)
                internet = self._callers[INTERNET]
                self._flow = await asyncio.to_thread(Flow, internet, opening, door)
            return
        self.asked["connections that must be cut" if flow.over else "that live on"] += 1
        if await asyncio.to_thread(flow.echoes) is flow.over:
            how = "goes on, and should be cut" if flow.over else "is cut"
            raise Divergence(f"{flow} {how}")
        if flow.over:
            self._hang_up()

    def _hang_up(self) -> None:
        assert self._flow
        self._flow.close()
        self._flow = None

    def _questions(self, *, at_home: bool) -> set[Question]:
        """Every door that was ever open, and some that never were."""
        model = self._model
        ports = {GATEWAY_SSH, *model.dialled}
        ports |= {self._random.randint(1024, 65535) for _ in range(RANDOM_PORTS)}
        doors = {Door(t, model.wan_ipv4, p) for t in TRANSPORTS for p in ports}
        doors |= {
            Door(transport, model.ipv6(device), port)
            for transport in TRANSPORTS
            for device in DEVICES
            for port in (*INSIDE, *ASKED)
        }
        doors.add(Door("tcp", model.wan_ipv6, GATEWAY_SSH))
        questions = {Question(INTERNET, door) for door in doors | model.doors().keys()}
        questions |= {
            Question(OTHER, door)
            for door, answer in model.doors().items()
            if answer.limited
        }
        if at_home and (callers := sorted(set(DEVICES) - model.away)):
            caller = self._random.choice(callers)
            questions |= {
                Question(caller, Door(transport, model.wan_ipv4, port))
                for transport in TRANSPORTS
                for port in ports - {GATEWAY_SSH}
            }
        return questions

    async def _wrong_answers(self, questions: list[Question]) -> list[str]:
        """Call everybody; say what differs from what the model says."""
        model = self._model
        expected: dict[Question, Answer] = {}
        doubtful = model.unpromised_doors()
        unpromised = {each for each in questions if each.door in doubtful}
        outside = model.doors()
        at_home = {name: model.doors_at_home(name) for name in DEVICES}
        for question in questions:
            doors = at_home.get(question.caller, outside)
            if question.door not in doors:
                continue
            answer = doors[question.door]
            if answer is None:
                unpromised.add(question)
            elif question.caller != OTHER or not answer.limited:
                expected[question] = answer
        self._count(questions)
        call = functools.partial(ask, self._callers, questions, expected)
        answered = await asyncio.to_thread(call)
        sure = self._closing.is_far
        wrong = []
        for question in sorted((answered.keys() | expected.keys()) - unpromised):
            wanted, got = expected.get(question), answered.get(question)
            if wanted and wanted.short and not sure:
                continue
            who = wanted.who if wanted else ""
            if (got or "").partition("\r")[0] != who:
                wrong.append(f"{question}: {_heard(got)}, should be {who!r}")
        return wrong

    def _count(self, questions: list[Question]) -> None:
        for question in questions:
            place = question.caller if question.caller in {INTERNET, OTHER} else "home"
            version = ipaddress.ip_address(question.door.address).version
            self.asked[f"{question.door.transport} over IPv{version}, {place}"] += 1

    def _unsure(self) -> set[str]:
        """The devices of which something closes by itself in this second."""
        if self._closing.is_far:
            return set()
        shares = self._model.shares.values()
        leases = self._model.leases.items()
        return {share.device for share in shares if share.short} | {
            place.device for place, lease in leases if any(lease.asked_by.values())
        }


def _heard(answer: str | None) -> str:
    if answer is None:
        return "silence"
    return f"{answer!r} answers" if answer else "refused"
