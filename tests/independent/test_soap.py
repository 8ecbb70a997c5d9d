"""SOAP requests as clients send them, as hostile people send them, and the answers."""

from collections.abc import Callable, Iterable
from contextlib import suppress
import re
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from hypothesis import given, strategies as st
import pytest

from custom_components.portshare.independent import soap
from custom_components.portshare.independent.soap import (
    LONGEST_BODY,
    Call,
    ErrorCode,
    UpnpError,
)

SERVICE = "urn:schemas-upnp-org:service:WANIPConnection:1"
SOAP_ACTION = f'"{SERVICE}#AddPortMapping"'
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"

names = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,20}", fullmatch=True)
texts = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")))


def body_of(
    *arguments: str, action: str = "AddPortMapping", service: str = SERVICE
) -> bytes:
    """Return what a client posts, with its arguments as they are."""
    return (
        f'<?xml version="1.0"?>\r\n<s:Envelope xmlns:s="{ENVELOPE}" '
        's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>'
        f'<u:{action} xmlns:u="{service}">{"".join(arguments)}</u:{action}>'
        "</s:Body></s:Envelope>\r\n"
    ).encode()


def described(description: str) -> bytes:
    return body_of(
        "<NewExternalPort>80</NewExternalPort>"
        f"<NewPortMappingDescription>{description}</NewPortMappingDescription>"
        "<NewLeaseDuration>0</NewLeaseDuration>"
    )


def error_of(body: bytes, soap_action: str | None = SOAP_ACTION) -> ErrorCode:
    with pytest.raises(UpnpError) as caught:
        soap.parse(body, soap_action)
    return caught.value.code


def nested(depth: int) -> str:
    return "<a>" * depth + "</a>" * depth


# ---- what clients send --------------------------------------------------------------


@given(st.dictionaries(names, texts, max_size=20))
def test_what_a_client_writes_is_read(arguments: dict[str, str]) -> None:
    written = (f"<{name}>{escape(text)}</{name}>" for name, text in arguments.items())
    call = soap.parse(body_of(*written), SOAP_ACTION)
    assert call == Call(SERVICE, "AddPortMapping", arguments)
    assert call.service == "WANIPConnection"


@pytest.mark.parametrize(
    "header",
    [
        f'"{SERVICE}#AddPortMapping"',
        f"{SERVICE}#AddPortMapping",
        f' "{SERVICE}#AddPortMapping" ',
        f'"{SERVICE}#AddPortMapping',
        '"urn:schemas-upnp-org:service:WANIPConnection:2#AddPortMapping"',
    ],
)
def test_the_header_is_understood_without_quotes_and_of_another_version(
    header: str,
) -> None:
    assert soap.parse(body_of(), header).action == "AddPortMapping"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("AT&T", "AT&T"),
        ("a < b", "a < b"),
        ("<b>bold</b>", "<b>bold</b>"),
        ("Tom &amp; Jerry & <friends>", "Tom & Jerry & <friends>"),
        ("&#65;&#x42;&", "AB&"),
        ("&nbsp;", "&nbsp;"),
        ("<![CDATA[ & ]]>", " & "),
        ("Tom & <![CDATA[ Jerry ]]>", "Tom & <![CDATA[ Jerry ]]>"),
    ],
)
def test_a_description_need_not_be_escaped(written: str, read: str) -> None:
    call = soap.parse(described(written), SOAP_ACTION)
    assert call.arguments == {
        "NewExternalPort": "80",
        "NewPortMappingDescription": read,
        "NewLeaseDuration": "0",
    }


@given(texts)
def test_any_description_is_read_as_one_argument(description: str) -> None:
    call = soap.parse(described(description), SOAP_ACTION)
    assert [*call.arguments] == [
        "NewExternalPort",
        "NewPortMappingDescription",
        "NewLeaseDuration",
    ]


def test_a_description_in_another_encoding_hides_no_other_argument() -> None:
    body = described("K\u00fcche").decode().encode("latin-1")
    arguments = soap.parse(body, SOAP_ACTION).arguments
    assert arguments["NewPortMappingDescription"] == "K\ufffdche"
    assert arguments["NewExternalPort"] == "80"


@pytest.mark.parametrize(
    "change",
    [
        lambda body: b"\xef\xbb\xbf" + body,
        lambda body: body.replace(b'version="1.0"', b'version="1.0" encoding="utf-8"'),
        lambda body: body.replace(
            b'version="1.0"', b'version="1.0" encoding="ISO-8859-1"'
        ),
        lambda body: body.replace(b'<?xml version="1.0"?>\r\n', b""),
        lambda body: body.replace(b"<s:Body>", b"<!-- hello --><s:Body>"),
        lambda body: body.replace(
            b"<s:Body>", b"<s:Header><who><is>it</is></who></s:Header><s:Body>"
        ),
        lambda body: re.sub(rb"\bs(?=:[BEe]|=)", b"SOAP-ENV", body),
        lambda body: body.replace(
            b"<NewExternalPort>",
            b'<NewExternalPort xmlns:dt="urn:schemas-microsoft-com:datatypes" '
            b'dt:dt="ui2">',
        ),
        lambda body: body.replace(b"<New", b"\n  <New"),
    ],
)
def test_clients_write_the_same_in_many_ways(
    change: Callable[[bytes], bytes],
) -> None:
    call = soap.parse(change(described("Web")), SOAP_ACTION)
    assert call.arguments["NewExternalPort"] == "80"
    assert call.arguments["NewPortMappingDescription"] == "Web"


def test_arguments_are_found_in_any_order() -> None:
    call = soap.parse(body_of("<B>2</B>", "<A/>"), SOAP_ACTION)
    assert call.arguments == {"A": "", "B": "2"}


# ---- what is refused ----------------------------------------------------------------


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_refused_with_an_error_code(body: bytes) -> None:
    assert error_of(body) is ErrorCode.INVALID_ARGS


@given(st.binary(min_size=1, max_size=5), st.integers(0, len(described("Web"))))
def test_a_damaged_request_is_read_or_refused(damage: bytes, at: int) -> None:
    body = described("Web")
    with suppress(UpnpError):
        soap.parse(body[:at] + damage + body[at + len(damage) :], SOAP_ACTION)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "AddPortMapping",
        f'"{SERVICE}#"',
        f'"{SERVICE}#DeletePortMapping"',
        f'"{SERVICE}#AddPort Mapping"',
        f'"{SERVICE}#' + "A" * 1000 + '"',
        "#AddPortMapping",
    ],
)
def test_the_header_must_name_the_action(header: str | None) -> None:
    assert error_of(body_of(), header) is ErrorCode.INVALID_ACTION


@pytest.mark.parametrize(
    "service",
    [
        "",
        "urn:schemas-upnp-org:device:WANIPConnection:1",
        "urn:schemas-upnp-org:service:WANIPConnection",
        "urn:schemas-upnp-org:service:WANIPConnection:0",
        "urn:schemas-upnp-org:service:WANIPConnection:1:1",
        "urn:example-org:service:WANIPConnection:1",
    ],
)
def test_the_action_must_be_of_a_service(service: str) -> None:
    body = body_of(service=service) if service else body_of().replace(b"u:", b"")
    assert error_of(body) is ErrorCode.INVALID_ACTION


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"<a/>",
        b"\0" * 100,
        body_of("<A>\0</A>"),
        body_of("<A>&#0;</A>"),
        body_of("<A>\x1f</A>"),
        body_of("<A>&lol;</A>"),
        body_of("<A>1</B>"),
        body_of("<A>1</A><A>2</A>"),
        body_of("<A><B>1</B></A>"),
        body_of("<?php echo 1 ?>"),
        body_of("<b:A>1</b:A>"),
        body_of().decode().encode("utf-16"),
        body_of().decode().encode("utf-32"),
        body_of()[:-20],
        body_of() + b"<a/>",
        body_of().replace(
            ENVELOPE.encode(), b"http://www.w3.org/2003/05/soap-envelope"
        ),
        body_of().replace(b"Body", b"Corpse"),
        body_of().replace(b"</s:Body>", b"<u:B xmlns:u='x'/></s:Body>"),
        body_of().replace(b"</s:Body>", b"</s:Body><s:Body><x/></s:Body>"),
        f'<s:Envelope xmlns:s="{ENVELOPE}"><s:Body/></s:Envelope>'.encode(),
    ],
)
def test_what_is_no_request_is_refused(body: bytes) -> None:
    assert error_of(body) is ErrorCode.INVALID_ARGS


BILLION_LAUGHS = """<!DOCTYPE lolz [
<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>"""


@pytest.mark.parametrize(
    "doctype",
    [
        BILLION_LAUGHS,
        '<!DOCTYPE a SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE a [<!ENTITY c SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE a PUBLIC "a" "http://198.51.100.1/a.dtd">',
        "<!DOCTYPE a []>",
        "<?xml-stylesheet href='http://198.51.100.1/'?>",
    ],
)
@pytest.mark.parametrize("description", ["&c;", "lone & makes it read again", "x"])
def test_there_are_no_document_types_and_no_entities(
    doctype: str, description: str
) -> None:
    body = described(description).replace(
        b"<s:Envelope", doctype.encode() + b"<s:Envelope"
    )
    assert error_of(body) is ErrorCode.INVALID_ARGS


@pytest.mark.parametrize(
    "arguments",
    [
        [nested(5000 // 7)],
        [f"<A>{nested(8)}</A>"],
        [f"<A{number}/>" for number in range(100)],
        ["<A>", "x" * LONGEST_BODY, "</A>"],
        ["<A ", " ".join(f'a{n}="{n}"' for n in range(1500)), "/>"] * 2,
    ],
)
def test_nothing_is_read_without_limit(arguments: Iterable[str]) -> None:
    assert error_of(body_of(*arguments)) is ErrorCode.INVALID_ARGS


def test_a_header_is_not_read_without_limit_either() -> None:
    header = f"<s:Header>{nested(100)}</s:Header><s:Body>".encode()
    assert error_of(body_of().replace(b"<s:Body>", header)) is ErrorCode.INVALID_ARGS


@pytest.mark.parametrize("text", ["x" * 1025, "x&amp;" * 513, "x & " * 300])
def test_an_argument_can_be_too_long(text: str) -> None:
    assert error_of(described(text)) is ErrorCode.STRING_ARGUMENT_TOO_LONG


def test_a_long_description_is_read() -> None:
    arguments = soap.parse(described("x" * 1024), SOAP_ACTION).arguments
    assert len(arguments["NewPortMappingDescription"]) == 1024


# ---- answers ------------------------------------------------------------------------


@given(st.dictionaries(names, st.text()))
def test_an_answer_is_xml_whatever_is_in_it(results: dict[str, str]) -> None:
    call = Call(SERVICE, "GetStatusInfo", {})
    root = ET.fromstring(soap.respond(call, results.items()))  # noqa: S314
    action = root.find(f"{{{ENVELOPE}}}Body/{{{SERVICE}}}GetStatusInfoResponse")
    assert action is not None
    assert [each.tag for each in action] == [*results]
    for each, text in zip(action, results.values(), strict=True):
        assert len(each.text or "") == len(text)
        if text.isprintable():
            assert (each.text or "") == text


def test_an_answer_byte_by_byte() -> None:
    call = Call(SERVICE, "GetExternalIPAddress", {})
    assert soap.respond(call, [("NewExternalIPAddress", "203.0.113.7")]) == (
        b'<?xml version="1.0" encoding="utf-8"?>\n'
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
        b' s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>'
        b"<u:GetExternalIPAddressResponse"
        b' xmlns:u="urn:schemas-upnp-org:service:WANIPConnection:1">'
        b"<NewExternalIPAddress>203.0.113.7</NewExternalIPAddress>"
        b"</u:GetExternalIPAddressResponse></s:Body></s:Envelope>"
    )


def test_a_fault_byte_by_byte() -> None:
    assert soap.fault(UpnpError(ErrorCode.CONFLICT_IN_MAPPING_ENTRY)) == (
        b'<?xml version="1.0" encoding="utf-8"?>\n'
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
        b' s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>'
        b"<s:Fault><faultcode>s:Client</faultcode>"
        b"<faultstring>UPnPError</faultstring><detail>"
        b'<UPnPError xmlns="urn:schemas-upnp-org:control-1-0">'
        b"<errorCode>718</errorCode>"
        b"<errorDescription>ConflictInMappingEntry</errorDescription>"
        b"</UPnPError></detail></s:Fault></s:Body></s:Envelope>"
    )


@pytest.mark.parametrize(
    ("code", "text"),
    [(401, "Invalid Action"), (606, "Action not authorized"), (704, "NoSuchEntry")],
)
def test_an_error_says_what_it_is(code: int, text: str) -> None:
    (error,) = [each for each in ErrorCode if each == code]
    assert error.text == text
    assert str(UpnpError(error)) == f"{code} {text}"
