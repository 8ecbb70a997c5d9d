"""SOAP as UPnP control uses it: the bytes of a request in, a call; its answer, bytes out.

What comes in is hostile until it has been read to its end: there are no entities, no
document type, and limits for everything. What real clients do wrong is understood.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
import re
from typing import Final, Self
from xml.parsers import expat

from .markup import Xml, document, element

LONGEST_BODY: Final = 16 * 1024
_MOST_ELEMENTS: Final = 64
_DEEPEST: Final = 8
_LONGEST_ARGUMENT: Final = 1024

_ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_ENCODING: Final = "http://schemas.xmlsoap.org/soap/encoding/"
_CONTROL: Final = "urn:schemas-upnp-org:control-1-0"

# Between the namespace and the name of an element as expat tells it: in none of both.
_SEPARATOR: Final = " "
_PATH_TO_CALL: Final = [
    f"{_ENVELOPE}{_SEPARATOR}Envelope",
    f"{_ENVELOPE}{_SEPARATOR}Body",
]

_SERVICE_TYPE: Final = re.compile(
    r"urn:schemas-upnp-org:service:[A-Za-z0-9]{1,64}:[1-9][0-9]{0,2}"
)
# Not all clients write the quotation marks, and not all the version that they mean.
_SOAP_ACTION: Final = re.compile(r'\s*"?[^"#\s]+#([A-Za-z0-9_]{1,64})"?\s*')

# A widely used client writes the description as it is, with `&` and `<`.
_DESCRIPTION_BEGINS: Final = "<NewPortMappingDescription>"
_DESCRIPTION_ENDS: Final = "</NewPortMappingDescription>"
_LONE_AMPERSAND: Final = re.compile(
    r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)"
)


class ErrorCode(IntEnum):
    """Error codes of the UPnP Device Architecture and of the services."""

    text: str

    def __new__(cls, code: int, text: str) -> Self:
        """Return an error code with its description."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.text = text
        return member

    INVALID_ACTION = 401, "Invalid Action"
    INVALID_ARGS = 402, "Invalid Args"
    ACTION_FAILED = 501, "Action Failed"
    ARGUMENT_VALUE_INVALID = 600, "Argument Value Invalid"
    ARGUMENT_VALUE_OUT_OF_RANGE = 601, "Argument Value Out of Range"
    STRING_ARGUMENT_TOO_LONG = 605, "String Argument Too Long"
    NOT_AUTHORIZED = 606, "Action not authorized"
    PINHOLE_SPACE_EXHAUSTED = 701, "PinholeSpaceExhausted"
    NO_SUCH_ENTRY = 704, "NoSuchEntry"
    PROTOCOL_NOT_SUPPORTED = 705, "ProtocolNotSupported"
    INTERNAL_PORT_WILDCARDING_NOT_ALLOWED = 706, "InternalPortWildcardingNotAllowed"
    PROTOCOL_WILDCARDING_NOT_ALLOWED = 707, "ProtocolWildcardingNotAllowed"
    NO_PACKET_SENT = 709, "NoPacketSent"
    SPECIFIED_ARRAY_INDEX_INVALID = 713, "SpecifiedArrayIndexInvalid"
    NO_SUCH_ENTRY_IN_ARRAY = 714, "NoSuchEntryInArray"
    WILDCARD_NOT_PERMITTED_IN_EXT_PORT = 716, "WildCardNotPermittedInExtPort"
    CONFLICT_IN_MAPPING_ENTRY = 718, "ConflictInMappingEntry"
    REMOTE_HOST_ONLY_SUPPORTS_WILDCARD = 726, "RemoteHostOnlySupportsWildcard"
    NO_PORT_MAPS_AVAILABLE = 728, "NoPortMapsAvailable"
    CONFLICT_WITH_OTHER_MECHANISMS = 729, "ConflictWithOtherMechanisms"
    PORT_MAPPING_NOT_FOUND = 730, "PortMappingNotFound"
    WILDCARD_NOT_PERMITTED_IN_INT_PORT = 732, "WildCardNotPermittedInIntPort"
    INCONSISTENT_PARAMETERS = 733, "InconsistentParameters"


class UpnpError(Exception):
    """An action that fails: the answer is a `fault`."""

    def __init__(self, code: ErrorCode) -> None:
        """Remember the error code."""
        super().__init__(f"{code:d} {code.text}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Call:
    """What a client wants a service to do: arguments are as they came, by their names."""

    service_type: str
    action: str
    arguments: Mapping[str, str]

    @property
    def service(self) -> str:
        """The name of the service."""
        return self.service_type.split(":")[3]


def parse(body: bytes, soap_action: str | None) -> Call:
    """Return the call in the body of a request; `soap_action` is its header.

    Raises UpnpError, and nothing else.
    """
    # A page in a browser can send the body, but not this header.
    header = _SOAP_ACTION.fullmatch(soap_action or "")
    if header is None:
        raise UpnpError(ErrorCode.INVALID_ACTION)
    # Entities are declared in a document type. No handler could stop expat from going
    # through them: what it raises is raised when everything has been read.
    if len(body) > LONGEST_BODY or b"<!DOCTYPE" in body:
        raise UpnpError(ErrorCode.INVALID_ARGS)
    text = body.decode("utf-8-sig", "replace")
    try:
        call = _read(text)
    except expat.ExpatError, UpnpError:
        call = _read_with_raw_description(text)
    if call.action != header[1] or not _SERVICE_TYPE.fullmatch(call.service_type):
        raise UpnpError(ErrorCode.INVALID_ACTION)
    return call


def respond(call: Call, results: Iterable[tuple[str, str]]) -> bytes:
    """Return the answer that an action has been done."""
    # Of the version that the client asked. See UDA 1.1 section 3.2.2.
    return _envelope(
        element(
            f"u:{call.action}Response",
            [element(name, value) for name, value in results],
            {"xmlns:u": call.service_type},
        )
    )


def fault(error: UpnpError) -> bytes:
    """Return the answer that an action has failed, which goes with HTTP status 500.

    There is no other answer to a failed request: clients take all else for success.
    """
    details = (
        element("errorCode", f"{error.code:d}"),
        element("errorDescription", error.code.text),
    )
    return _envelope(
        element(
            "s:Fault",
            (
                element("faultcode", "s:Client"),
                element("faultstring", "UPnPError"),
                element("detail", [element("UPnPError", details, {"xmlns": _CONTROL})]),
            ),
        )
    )


def _envelope(content: Xml) -> bytes:
    attributes = {"xmlns:s": _ENVELOPE, "s:encodingStyle": _ENCODING}
    body = element("s:Body", [content])
    return document(element("s:Envelope", [body], attributes)).encode()


def _read_with_raw_description(text: str) -> Call:
    before, begins, rest = text.partition(_DESCRIPTION_BEGINS)
    raw, ends, after = rest.partition(_DESCRIPTION_ENDS)
    escaped = _LONE_AMPERSAND.sub("&amp;", raw)
    escaped = escaped.replace("<", "&lt;").replace(">", "&gt;")
    try:
        return _read(f"{before}{begins}{escaped}{ends}{after}")
    except expat.ExpatError:
        raise UpnpError(ErrorCode.INVALID_ARGS) from None


def _read(text: str) -> Call:
    """Return the call in a document. Raises UpnpError, and ExpatError if it is none."""
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.add_text
    parser.ProcessingInstructionHandler = reader.refuse
    parser.Parse(text, True)
    if reader.called is None:
        raise UpnpError(ErrorCode.INVALID_ARGS)
    service_type, _, action = reader.called.rpartition(_SEPARATOR)
    return Call(service_type, action, reader.arguments)


class _Reader:
    """Takes what expat finds, and notes the one call in it."""

    def __init__(self) -> None:
        """Nothing has been found."""
        self.called: str | None = None
        self.arguments: dict[str, str] = {}
        self._path: list[str] = []
        self._elements = 0
        self._argument = ""

    def start(self, name: str, _: object) -> None:
        """Enter an element."""
        depth = len(self._path)
        self._elements += 1
        if depth == _DEEPEST or self._elements > _MOST_ELEMENTS:
            self.refuse()
        if self._path[:2] == _PATH_TO_CALL:
            if depth == 2 and self.called is None:
                self.called = name
            elif depth == 3:
                self._argument = name.rpartition(_SEPARATOR)[2]
                if self._argument in self.arguments:
                    self.refuse()
                self.arguments[self._argument] = ""
            else:
                self.refuse()
        self._path.append(name)

    def end(self, _: str) -> None:
        """Leave an element."""
        self._path.pop()

    def add_text(self, text: str) -> None:
        """Add text to the argument that it is in, if it is in one."""
        if len(self._path) == 4 and self._path[:2] == _PATH_TO_CALL:
            value = self.arguments[self._argument] + text
            if len(value) > _LONGEST_ARGUMENT:
                raise UpnpError(ErrorCode.STRING_ARGUMENT_TOO_LONG)
            self.arguments[self._argument] = value

    def refuse(self, *_: object) -> None:
        """Refuse what no client needs."""
        raise UpnpError(ErrorCode.INVALID_ARGS)
