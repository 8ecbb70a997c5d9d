"""Does anybody listen? A call to a TCP port that is hung up at once."""

import asyncio
import contextlib
import errno
from ipaddress import IPv4Address, IPv6Address
from typing import Final

_PATIENCE_SECONDS: Final = 3.0
# Nobody answers for the device, not even the neighbour discovery.
_NOBODY_THERE: Final = (errno.EHOSTUNREACH, errno.EHOSTDOWN)


async def somebody_listens(
    address: IPv4Address | IPv6Address, port: int
) -> bool | None:
    """Return whether a device takes calls at a TCP port; None if that cannot be told.

    It does not if it refuses, or says nothing for three seconds.
    """
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            _, writer = await asyncio.open_connection(str(address), port)
    except ConnectionRefusedError, TimeoutError:
        return False
    except OSError as err:
        return False if err.errno in _NOBODY_THERE else None
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
