"""What HACS, Home Assistant's marketplace and its brand images want of the repository."""

from collections.abc import Iterator
import re
import struct
from typing import Final

from awesomeversion import AwesomeVersion, AwesomeVersionStrategy

from .repository import Repository

_FILE: Final = "hacs.json"
_TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    "content_in_root": bool,
    "country": (str, list),
    "filename": str,
    "hacs": str,
    "hide_default_branch": bool,
    "homeassistant": str,
    "name": str,
    "persistent_directory": str,
    "render_readme": bool,
    "zip_release": bool,
}

# https://developers.home-assistant.io/docs/core/integration/brand_images
# The least and the most that the shorter side may have, in pixels.
_SIDES: Final = {
    "icon": (256, 256),
    "icon@2x": (512, 512),
    "logo": (128, 256),
    "logo@2x": (256, 512),
}
_PNG: Final = struct.Struct(">8s4x4sII")


def check_keys(repository: Repository) -> Iterator[str]:
    """hacs.json has what HACS knows, and the oldest Home Assistant that we support."""
    for key, value in repository.hacs.items():
        if key not in _TYPES:
            yield f"{_FILE}: HACS knows no {key}; remove it"
        elif not isinstance(value, _TYPES[key]):
            yield f"{_FILE}: {key} is {value!r}, which HACS refuses; mend it"
    if repository.hacs.get("name") != repository.manifest.get("name"):
        yield f"{_FILE}: name is not that of the manifest; make them equal"
    oldest = str(repository.hacs.get("homeassistant"))
    if AwesomeVersion(oldest).strategy is not AwesomeVersionStrategy.CALVER:
        yield f"{_FILE}: homeassistant {oldest} is not a version; name the oldest"
    elif f" {oldest.rpartition('.')[0]} " not in repository.read("README.md"):
        yield f"README.md: does not say that it needs Home Assistant {oldest}; say it"


def check_files(repository: Repository) -> Iterator[str]:
    """The files that HACS looks for are there."""
    for name in ("README.md", "LICENSE"):
        if not (repository.root / name).exists():
            yield f"{name}: is missing; HACS asks for it"


def check_brand(repository: Repository) -> Iterator[str]:
    """Icon and logo are there, in the sizes that Home Assistant shows."""
    folder = repository.integration / "brand"
    there = {each.name for each in folder.glob("*")}
    for name in ("icon.png", "icon@2x.png"):
        if name not in there:
            yield f"brand/{name}: is missing; draw it"
    for name in sorted(there):
        match = re.fullmatch(r"(?:dark_)?((icon|logo)(?:@2x)?)\.png", name)
        if not match:
            yield f"brand/{name}: Home Assistant shows no such image; remove it"
            continue
        width, height = _size((folder / name).read_bytes())
        least, most = _SIDES[match[1]]
        if not least <= min(width, height) <= most:
            yield f"brand/{name}: is {width}x{height}; {least} to {most} is asked for"
        elif match[2] == "icon" and width != height:
            yield f"brand/{name}: is {width}x{height}; make it a square"


def _size(image: bytes) -> tuple[int, int]:
    """Return width and height of a PNG image, zeros if it is none."""
    signature, chunk, width, height = _PNG.unpack_from(image.ljust(_PNG.size, b"\0"))
    return (width, height) if (signature[1:4], chunk) == (b"PNG", b"IHDR") else (0, 0)


CHECKS: Final = (check_keys, check_files, check_brand)
