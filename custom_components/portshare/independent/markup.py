"""XML and HTTP headers as a UPnP server writes them."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from xml.sax.saxutils import escape, quoteattr

_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
_NONE: Mapping[str, str] = MappingProxyType({})


class Xml(str):
    """A text that is XML already, with nothing in it to be escaped."""

    __slots__ = ()


def element(
    tag: str, content: str | Iterable[Xml] = "", attributes: Mapping[str, str] = _NONE
) -> Xml:
    """Return an element with text or with other elements in it."""
    if isinstance(content, Xml):
        inside: str = content
    elif isinstance(content, str):
        inside = escape(printable(content))
    else:
        inside = "".join(content)
    written = (f" {name}={quoteattr(value)}" for name, value in attributes.items())
    return Xml(f"<{tag}{''.join(written)}>{inside}</{tag}>")


def cdata(xml: Xml) -> Xml:
    """Return XML as a text of other XML.

    It is not to be escaped, because a widely used client cannot undo that; so there is
    nothing in it that ends the text, where `>` is always escaped.
    """
    return Xml(f"<![CDATA[{xml}]]>")


def document(root: Xml) -> Xml:
    """Return an XML document with this root element."""
    return Xml(_DECLARATION + root)


def printable(text: str) -> str:
    """Return a text with a space for each character that is not to be printed.

    XML cannot even hold all of them.
    """
    return "".join(char if char.isprintable() else " " for char in text)


def message(start: str, headers: Mapping[str, str]) -> bytes:
    """Return a message of HTTP or one like it, with its first line and without a body."""
    lines = (f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{start}\r\n{''.join(lines)}\r\n".encode()
