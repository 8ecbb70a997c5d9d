"""The leases that shall be true: what devices have mapped for themselves."""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence

from .reconciler import Goal
from .sharing.model import Facts, Lease, Share
from .sharing.plan import Plan, contests
from .sharing.snapshot import LeaseState, lease_state


class KeptLeases:
    """Leases by their id. The coordinator makes them true, as it does with shares."""

    def __init__(self) -> None:
        """Nobody has mapped anything."""
        self._leases: dict[str, Lease] = {}

    @property
    def ids(self) -> set[str]:
        """The ids of all."""
        return set(self._leases)

    def among(self, owner_ids: Iterable[str]) -> dict[str, Lease]:
        """Return those of the ids that are leases."""
        return {key: self._leases[key] for key in owner_ids if key in self._leases}

    def take(self, changes: Mapping[str, Lease | None]) -> dict[str, Lease | None]:
        """Take over what has changed, None is gone; return what was before."""
        before = {lease_id: self._leases.get(lease_id) for lease_id in changes}
        for lease_id, lease in changes.items():
            if lease:
                self._leases[lease_id] = lease
            else:
                self._leases.pop(lease_id, None)
        return before

    def take_back(
        self,
        changes: Mapping[str, Lease | None],
        before: Mapping[str, Lease | None],
        *,
        must_end: bool,
    ) -> Collection[str]:
        """Undo changes; return which. What has changed again since stays.

        And what `must_end` is not undone.
        """
        back = {
            lease_id: before[lease_id]
            for lease_id, lease in changes.items()
            if self._leases.get(lease_id) is lease and (lease or not must_end)
        }
        self.take(back)
        return back

    def contested_by(self, shares: Iterable[Share]) -> set[str]:
        """Return the leases of ports that these shares are about."""
        if not self._leases:
            return set()
        return {
            lease_id
            for share in shares
            for lease_id, lease in self._leases.items()
            if contests(share, lease)
        }

    def moved(self, before: Facts, after: Facts) -> list[str]:
        """Return the leases of devices whose addresses have changed."""
        return [
            lease_id
            for lease_id, lease in self._leases.items()
            if before.addresses_of(lease.mac) != after.addresses_of(lease.mac)
        ]


def by_device(states: Iterable[LeaseState]) -> Mapping[str, Sequence[LeaseState]]:
    """Return what each device has mapped, by its MAC address."""
    of_device: dict[str, list[LeaseState]] = {}
    for state in states:
        of_device.setdefault(state.lease.mac, []).append(state)
    return of_device


def lease_states(
    before: Mapping[str, LeaseState],
    goal: Goal,
    plan: Plan,
    refused: Container[str],
    dns_name: str,
) -> Mapping[str, LeaseState]:
    """Return what is true of all leases after a goal has been reached."""
    states = dict(before)
    for key in goal.shares:
        if key not in refused:
            states.pop(key, None)
    for lease_id, lease in goal.leases.items():
        if lease_id not in refused:
            states[lease_id] = lease_state(lease, plan[lease_id], goal.facts, dns_name)
    return states
