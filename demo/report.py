"""What the demo prints: one line per step, with what was seen and how long it took."""

from collections.abc import AsyncIterator
import contextlib
import time


class Step:
    """One line while it is being written."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self.seen = ""
        self.ok = True
        self.ms: float | None = None

    def saw(self, seen: str, *, ok: bool = True, ms: float | None = None) -> None:
        """Say what was seen, whether it is as it should be, and what it took."""
        self.seen, self.ok, self.ms = seen, ok, ms


class Report:
    """The lines so far."""

    def __init__(self) -> None:
        """Begin with none."""
        self.lines = 0
        self.failed = 0

    @contextlib.asynccontextmanager
    async def step(self, what: str, *, essential: bool = False) -> AsyncIterator[Step]:
        """Write a line when the block ends, and go on even if it has failed.

        What the rest cannot do without is essential: its error is raised.
        """
        step, began = Step(), time.perf_counter()
        try:
            yield step
        except Exception as error:
            first = str(error).partition("\n")[0]
            step.saw(first or type(error).__name__, ok=False)
            self._write(what, step, began)
            if essential:
                raise
        else:
            self._write(what, step, began)

    def _write(self, what: str, step: Step, began: float) -> None:
        ms = (time.perf_counter() - began) * 1000 if step.ms is None else step.ms
        self.lines += 1
        self.failed += not step.ok
        verdict = "ok  " if step.ok else "FAIL"
        first, *more = step.seen.splitlines() or [""]
        print(f"{verdict} {ms:8.1f} ms  {what:<50} {first}", flush=True)
        for line in more:
            print(f"{'':70}{line}", flush=True)
