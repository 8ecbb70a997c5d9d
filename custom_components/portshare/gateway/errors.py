"""What can go wrong between us and the kernel."""

import errno
from typing import override


class GatewayError(Exception):
    """The gateway could not do what was asked; nothing was changed."""


class NetlinkError(GatewayError, OSError):
    """The kernel refused a request.

    `errno` is the kernel's, `detail` its extended acknowledgement text if it sent one
    (include/uapi/linux/netlink.h, NLMSGERR_ATTR_MSG).
    """

    def __init__(self, code: int, text: str, detail: str | None = None) -> None:
        """Remember the kernel's words."""
        super().__init__(code, detail or text)
        self.detail = detail


class BatchRefused(NetlinkError):
    """A transaction was rolled back as a whole.

    `index` is the message that the kernel complained about first; -1 means that the
    batch was not even begun (no privilege, no nf_tables).
    """

    def __init__(self, cause: NetlinkError, index: int) -> None:
        """Remember where the batch failed."""
        super().__init__(cause.errno or errno.EIO, cause.strerror or "", cause.detail)
        self.index = index

    @override
    def __str__(self) -> str:
        return f"{super().__str__()} (message {self.index} of the batch)"


class OutOfStep(GatewayError):
    """What we know of the kernel is not what is in the kernel; read it again."""


class NetlinkTimeout(GatewayError):
    """The kernel did not answer in time."""
