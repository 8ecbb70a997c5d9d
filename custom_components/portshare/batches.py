"""Changes that are asked for together go to the kernel together."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
import logging

from .gateway.errors import GatewayError

_LOGGER = logging.getLogger(__name__)

type Refused = dict[str, GatewayError]


class SharesRefused(GatewayError):
    """The kernel refused some of the shares that were asked for; the others are true."""

    def __init__(self, refused: Refused) -> None:
        """Remember which, and why."""
        super().__init__(str(next(iter(refused.values()))))
        self.refused = refused


@dataclass(slots=True)
class Batch:
    """What has been asked for since the last transaction began.

    `everything` plans all shares; `adopt` also reads the kernel's table again.
    """

    share_ids: set[str] = field(default_factory=set)
    everything: bool = False
    adopt: bool = False
    waiting: list[tuple[frozenset[str], asyncio.Future[None]]] = field(
        default_factory=list
    )

    def answer(self, refused: Refused) -> None:
        """Resume everybody who waits: with the error of a share they asked for."""
        for wanted, done in self.waiting:
            if done.done():
                continue
            if errors := {key: refused[key] for key in wanted if key in refused}:
                done.set_exception(SharesRefused(errors))
            else:
                done.set_result(None)

    def fail(self, error: Exception) -> None:
        """Tell everybody who waits that nothing of it was done."""
        for _, done in self.waiting:
            if not done.done():
                done.set_exception(error)


class Batches:
    """Collects what is asked for while the batch before it is carried out.

    What is asked for in one turn of the event loop is one batch.
    """

    def __init__(self, carry_out: Callable[[Batch], Awaitable[Refused]]) -> None:
        """Remember who carries a batch out and tells which shares were refused."""
        self._carry_out = carry_out
        self._pending: Batch | None = None
        self._worker: asyncio.Task[None] | None = None

    def ask(
        self,
        share_ids: Iterable[str],
        *,
        everything: bool = False,
        adopt: bool = False,
    ) -> asyncio.Future[None]:
        """Ask for these shares to be made true.

        Return a future that is done when they are, and has a GatewayError if the
        kernel refused one of them.
        """
        loop = asyncio.get_running_loop()
        batch = self._pending = self._pending or Batch()
        wanted = frozenset(share_ids)
        batch.share_ids |= wanted
        batch.everything |= everything
        batch.adopt |= adopt
        done: asyncio.Future[None] = loop.create_future()
        # Not everybody who asks waits for the answer.
        done.add_done_callback(lambda it: it.cancelled() or it.exception())
        batch.waiting.append((wanted, done))
        if self._worker is None:
            self._worker = loop.create_task(self._work(), name="portshare reconcile")
        return done

    async def finish(self) -> None:
        """Wait until all that was asked for has been answered."""
        if self._worker:
            await self._worker

    async def _work(self) -> None:
        while batch := self._pending:
            self._pending = None
            try:
                batch.answer(await self._carry_out(batch))
            except GatewayError as err:
                batch.fail(err)
            except Exception as err:
                # A mistake of ours: nobody shall wait for ever because of it.
                _LOGGER.exception("A change could not be carried out")
                batch.fail(err)
        self._worker = None
