"""The inner part of the loop: a plan and what is in the kernel become the same."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
import logging
from typing import Final

from .batches import Refused
from .gateway.errors import GatewayError, OutOfStep
from .gateway.gateway import Gateway
from .sharing.model import Device, Environment, Facts, Lease, Share
from .sharing.plan import Plan, Planned, change_between

_LOGGER = logging.getLogger(__name__)

# So many shares and leases take some milliseconds.
_MANY: Final = 100


@dataclass(frozen=True, slots=True)
class Goal:
    """What a batch makes true, as it was wanted when the batch began.

    While the kernel works at it, the configuration and the facts may go on.
    """

    facts: Facts
    devices: Mapping[str, Device]
    shares: Mapping[str, Share | None]
    leases: Mapping[str, Lease]
    plan: Plan
    around: Environment

    @property
    def is_of_leases(self) -> bool:
        """Whether no share is among what is made true.

        A device that maps a port need not wait until callers of before get through.
        """
        return not any(self.shares.values())

    @property
    def is_large(self) -> bool:
        """Whether others shall have their turn between the steps towards it."""
        return len(self.plan) > _MANY

    def wants(self, owner_id: str) -> bool:
        """Return whether there is such a share or lease still."""
        return owner_id in self.leases or self.shares[owner_id] is not None


class Reconciler:
    """Knows what is in the kernel, share by share and lease by lease, and changes it towards a goal."""

    def __init__(self, gateway: Gateway) -> None:
        """Nothing is known of the kernel's tables before they have been adopted."""
        self._gateway = gateway
        self.adopted = False
        self.plan: dict[str, Planned] = {}

    async def reach(self, goal: Goal, *, adopt: bool) -> Refused:
        """Make a goal true, in one transaction; return what the kernel refused, and why.

        `adopt`: whatever the tables hold is read first. Raises a GatewayError if the
        kernel refuses all of it.
        """
        if goal.is_large:
            await asyncio.sleep(0)
        refused = await (self._adopt(goal) if adopt else self._apply(goal))
        self.adopted = True
        for owner_id, planned in goal.plan.items():
            if owner_id in refused:
                continue
            if goal.wants(owner_id):
                self.plan[owner_id] = planned
            else:
                self.plan.pop(owner_id, None)
        return refused

    async def _adopt(self, goal: Goal) -> Refused:
        try:
            await self._adopt_plan({**self.plan, **goal.plan}, goal.around)
        except OutOfStep:
            raise
        except GatewayError:
            if not goal.plan:
                raise
            await self._adopt_plan(self.plan, goal.around)
            return await self._apply_one_by_one(goal)
        return {}

    async def _adopt_plan(self, plan: Plan, around: Environment) -> None:
        await self._gateway.adopt(
            [mapping for planned in plan.values() for mapping in planned.mappings],
            around,
        )

    async def _apply(self, goal: Goal) -> Refused:
        change = change_between(self.plan, goal.plan)
        try:
            await self._gateway.apply(change, goal.around, lead_soon=goal.is_of_leases)
        except OutOfStep as err:
            _LOGGER.info("Somebody else changed the firewall table: %s", err)
            return await self._adopt(goal)
        except GatewayError:
            if not goal.plan:
                raise
            return await self._apply_one_by_one(goal)
        return {}

    async def _apply_one_by_one(self, goal: Goal) -> Refused:
        """Find out whom the kernel refuses: he must not hold up the others."""
        refused: Refused = {}
        for owner_id, planned in goal.plan.items():
            change = change_between(self.plan, {owner_id: planned})
            try:
                await self._gateway.apply(
                    change, goal.around, lead_soon=goal.is_of_leases
                )
            except GatewayError as err:
                refused[owner_id] = err
        return refused
