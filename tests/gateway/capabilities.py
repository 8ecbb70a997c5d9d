"""Do without CAP_NET_ADMIN for a while: capabilities belong to a thread."""

from collections.abc import Iterator
import contextlib
import ctypes

_LIBC = ctypes.CDLL(None, use_errno=True)
_VERSION_3 = 0x20080522
_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2
_CAP_NET_ADMIN = 12


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def _call(name: str, data: ctypes.Array[_Data]) -> None:
    if getattr(_LIBC, name)(ctypes.byref(_Header(_VERSION_3, 0)), data):
        raise OSError(ctypes.get_errno(), name)


@contextlib.contextmanager
def without_net_admin() -> Iterator[None]:
    """This thread, and those that it starts, may not change the network."""
    with _without(_CAP_NET_ADMIN):
        yield


@contextlib.contextmanager
def like_an_ordinary_user() -> Iterator[None]:
    """This thread reads only files that it has been given the right to read."""
    with _without(_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
        yield


@contextlib.contextmanager
def _without(*capabilities: int) -> Iterator[None]:
    data = (_Data * 2)()
    _call("capget", data)
    effective = data[0].effective
    for each in capabilities:
        data[0].effective &= ~(1 << each)
    _call("capset", data)
    try:
        yield
    finally:
        data[0].effective = effective
        _call("capset", data)
