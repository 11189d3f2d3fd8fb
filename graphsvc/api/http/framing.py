"""Strict framing of HTTP/1.1 requests: what two programs could read differently is refused (RFC 9112, section 11.2)."""

import re

import h11

_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)")
_FOLD = re.compile(rb"\r\n[ \t]")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LENGTHS = re.compile(rb"^content-length:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_CHUNK = re.compile(rb"(?:\r\n)?[0-9A-Fa-f]{1,16}(?:;[\t\x20-\x7e]*)?\r\n")
_LAST_CHUNK = re.compile(rb"(?:\r\n)?0{1,16}(?:;[\t\x20-\x7e]*)?\r\n(?:[!-9;-~]+:[\t\x20-\x7e]*\r\n)*\r\n")

Event = h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]


class StrictConnection(h11.Connection):
    """The server's side of a connection that accepts one reading of each request only.

    h11 refuses most of what is ambiguous. It accepts a `Content-Length` with a `Transfer-Encoding`, `Transfer-Encoding`
    in HTTP/1.0, repeated lengths, lines that end in a bare LF, folded lines, and blanks after the size of a chunk.
    RFC 9112 lets a server refuse each of them.
    """

    refused = False
    """Whether a request was refused; nothing after it is read, because nothing says where it ended."""
    _chunks = False
    _read = b""

    def next_event(self) -> Event:
        """Return the next event.

        Raises:
            h11.RemoteProtocolError: the request is malformed or ambiguous.
        """
        if self.refused:
            raise h11.RemoteProtocolError("An earlier request was refused.")
        try:
            return self._check_event()
        except h11.RemoteProtocolError:
            self.refused = True
            raise

    def _check_event(self) -> Event:
        if self.their_state is not h11.IDLE and not self._chunks:
            return super().next_event()
        before = self.trailing_data[0]
        event = super().next_event()
        # Of chunks, an event may be made of bytes that several calls consumed.
        self._read += before[: len(before) - len(self.trailing_data[0])]
        if isinstance(event, h11.Request):
            self._chunks = _check_head(event, self._read)
            self._read = b""
        elif isinstance(event, h11.Data):
            framing = self._read[: len(self._read) - len(event.data)]
            if framing and not _CHUNK.fullmatch(framing):
                raise h11.RemoteProtocolError("The size of a chunk is malformed.")
            self._read = b""
        elif isinstance(event, h11.EndOfMessage):
            if self._chunks and not _LAST_CHUNK.fullmatch(self._read):
                raise h11.RemoteProtocolError("The last chunk is malformed.")
            self._chunks, self._read = False, b""
        return event


def _check_head(request: h11.Request, head: bytes) -> bool:
    """Return whether the body comes in chunks.

    Args:
        request: the request as h11 parsed it.
        head: the bytes of its request line and fields, with the empty line after them.

    Raises:
        h11.RemoteProtocolError: the head can be read in two ways.
    """
    fields = dict(request.headers)
    lengths = _LENGTHS.findall(head)
    chunks = b"transfer-encoding" in fields
    # Each rule is a known way of request smuggling: two parsers find two ends of one request.
    for refused, why in (
        (request.http_version not in (b"1.0", b"1.1"), "The version of HTTP is neither 1.0 nor 1.1."),
        (_BARE.search(head), "A line ends in a bare CR or LF."),
        (_FOLD.search(head), "A line is folded."),
        (_CONTROL.search(head), "The head has a control character."),
        (len(lengths) > 1 or any(b"," in each for each in lengths), "Content-Length is repeated."),
        (chunks and lengths, "Content-Length and Transfer-Encoding come together."),
        (chunks and request.http_version == b"1.0", "HTTP/1.0 has no Transfer-Encoding."),
        ((chunks or lengths) and _is_websocket(fields), "A request for a WebSocket has a body."),
    ):
        if refused:
            raise h11.RemoteProtocolError(why)
    return chunks


def _is_websocket(fields: dict[bytes, bytes]) -> bool:
    return fields.get(b"upgrade", b"").lower() == b"websocket"
