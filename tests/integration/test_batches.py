"""What is asked for together goes to the kernel together."""

import asyncio

import pytest

from custom_components.portshare.batches import Batch, Batches, Refused
from custom_components.portshare.gateway.errors import GatewayError


class Kernel:
    """Carries batches out, when it is let."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.refused: Refused = {}
        self.error: Exception | None = None
        self.free = asyncio.Event()
        self.free.set()

    async def carry_out(self, batch: Batch) -> Refused:
        self.batches.append(batch)
        await self.free.wait()
        if self.error:
            raise self.error
        return self.refused


@pytest.fixture
async def kernel() -> Kernel:
    return Kernel()


@pytest.fixture
async def batches(kernel: Kernel) -> Batches:
    return Batches(kernel.carry_out)


async def test_what_is_asked_in_one_turn_is_one_batch(
    kernel: Kernel, batches: Batches
) -> None:
    asked = [batches.ask({"a"}), batches.ask(["b"], adopt=True), batches.ask(())]
    await asyncio.gather(*asked)
    [batch] = kernel.batches
    assert batch.share_ids == {"a", "b"}
    assert batch.adopt
    assert not batch.everything


async def test_what_is_asked_meanwhile_is_the_next_batch(
    kernel: Kernel, batches: Batches
) -> None:
    kernel.free.clear()
    first = batches.ask({"a"})
    await asyncio.sleep(0)
    second, third = batches.ask({"b"}, everything=True), batches.ask({"c"})
    await asyncio.sleep(0)
    assert len(kernel.batches) == 1
    kernel.free.set()
    await asyncio.gather(first, second, third)
    assert [batch.share_ids for batch in kernel.batches] == [{"a"}, {"b", "c"}]
    assert kernel.batches[1].everything


async def test_only_who_asked_for_a_refused_share_gets_the_error(
    kernel: Kernel, batches: Batches
) -> None:
    kernel.refused = {"a": GatewayError("poison")}
    bad, good = batches.ask({"a", "b"}), batches.ask({"b"})
    with pytest.raises(GatewayError, match="poison"):
        await bad
    await good


async def test_a_refused_batch_is_told_to_all_and_the_next_is_carried_out(
    kernel: Kernel, batches: Batches
) -> None:
    kernel.error = GatewayError("not permitted")
    asked = batches.ask({"a"}), batches.ask({"b"})
    for each in asked:
        with pytest.raises(GatewayError, match="not permitted"):
            await each
    kernel.error = None
    await batches.ask({"a"})


async def test_a_mistake_is_told_to_all_and_the_next_is_carried_out(
    kernel: Kernel, batches: Batches, errors_expected: None
) -> None:
    kernel.error = ZeroDivisionError("a mistake")
    with pytest.raises(ZeroDivisionError):
        await batches.ask({"a"})
    kernel.error = None
    await batches.ask({"a"})


async def test_who_went_away_is_not_waited_for(
    kernel: Kernel, batches: Batches
) -> None:
    for error in (None, GatewayError("not permitted")):
        kernel.error = error
        kernel.free.clear()
        gone, there = batches.ask({"a"}), batches.ask({"a"})
        gone.cancel()
        kernel.free.set()
        await asyncio.wait([there])
        assert there.exception() is error


async def test_to_finish_is_to_have_answered_everything(
    kernel: Kernel, batches: Batches
) -> None:
    await batches.finish()
    asked = batches.ask({"a"})
    await batches.finish()
    assert asked.done()
    await batches.finish()
