"""Streams of text files: uncompressed, in UTF-8, ended by a line feed, with known progress."""

import codecs
import csv
import gzip
import io
import re
from collections.abc import Iterator
from typing import BinaryIO

NOT_UTF8 = "\ufdd1".encode()
"""Stands for bytes that are not UTF-8 in `MendedStream`: a code point that never stands for a character."""

_ESCAPED = re.compile("[\udc80-\udcff]+")


class Stream:
    """Uncompressed bytes of a file, and how much of the file they took.

    Reading raises OSError, EOFError or zlib.error when the file is damaged.
    """

    def __init__(self, raw: BinaryIO, *, compressed: bool, size: int) -> None:
        self._raw = raw
        self._bytes = gzip.GzipFile(fileobj=raw) if compressed else raw
        self._size = max(size, 1)
        self._ended = False
        self._ahead = b""
        self.closed = False

    @property
    def share(self) -> float:
        """Return the share of the file that has been read, 0–1."""
        # By the compressed file: the size of the content is not known before its end.
        return min(self._raw.tell() / self._size, 1.0)

    def readable(self) -> bool:
        """Return True, for callers that ask before they read."""
        return True

    def close(self) -> None:
        """Mark the stream as closed. The caller closes the file."""
        self.closed = True

    def peek(self, size: int) -> bytes:
        """Return the first `size` bytes, which `read` returns again."""
        self._ahead = self.read(size)
        return self._ahead

    def skip(self, size: int) -> None:
        """Skip the first `size` bytes of what was peeked at."""
        self._ahead = self._ahead[size:]

    def read(self, size: int) -> bytes:
        """Return the next bytes, at most `size`. One line feed ends the file, so that its last line ends."""
        if not self._ahead:
            self._ahead = self._read_next(size)
        block, self._ahead = self._ahead[:size], self._ahead[size:]
        return block

    def _read_next(self, size: int) -> bytes:
        block = self._bytes.read(size)
        if block or self._ended:
            return block
        self._ended = True
        return b"\n"


class MendedStream(Stream):
    """A stream that is always UTF-8: other encodings are converted, broken bytes become `NOT_UTF8`."""

    def __init__(self, raw: BinaryIO, *, compressed: bool, size: int, encoding: str = "utf-8") -> None:
        super().__init__(raw, compressed=compressed, size=size)
        self._foreign = encoding != "utf-8"
        # A file in UTF-8 may hold the replacement character itself, so its broken bytes are marked otherwise.
        self._decoder = codecs.getincrementaldecoder(encoding)(
            "replace" if self._foreign else "surrogateescape"
        )
        self.mended = False

    def _read_next(self, size: int) -> bytes:
        block = b"\n"
        text = ""
        while block and not text:  # a character may be cut by the end of a block
            block = self._bytes.read(size)
            text = self._decoder.decode(block, final=not block)
            if not block and not self._ended:
                self._ended = True
                text += "\n"
        if self._foreign:
            # The decoder puts a replacement character in the place of broken bytes.
            broken, text = "\ufffd" in text, text.replace("\ufffd", "\ufdd1")
            self.mended = self.mended or broken
            return text.encode()
        try:
            return text.encode()
        except UnicodeEncodeError:
            self.mended = True
            return _ESCAPED.sub("\ufdd1", text).encode()


class SpacedStream:
    """CSV with quotes after spaces, rewritten without these spaces, record by record."""

    def __init__(self, stream: MendedStream, delimiter: str) -> None:
        self._stream = stream
        self._delimiter = delimiter
        self._records = csv.reader(self._iter_lines(), delimiter=delimiter, skipinitialspace=True)
        self._ahead = b""
        self.closed = False

    @property
    def mended(self) -> bool:
        """Return whether bytes were replaced by `NOT_UTF8`."""
        return self._stream.mended

    def readable(self) -> bool:
        """Return True, for callers that ask before they read."""
        return True

    def close(self) -> None:
        """Mark the stream as closed. The caller closes the file."""
        self.closed = True

    def read(self, size: int) -> bytes:
        """Return the next bytes, at most `size`."""
        if not self._ahead:
            text = io.StringIO(newline="")
            writer = csv.writer(text, delimiter=self._delimiter, lineterminator="\n")
            for record in self._records:
                writer.writerow(record)
                if text.tell() >= size:
                    break
            self._ahead = text.getvalue().encode()
        block, self._ahead = self._ahead[:size], self._ahead[size:]
        return block

    def _iter_lines(self) -> Iterator[str]:
        rest = b""
        while block := self._stream.read(1 << 20):
            *lines, rest = (rest + block).split(b"\n")
            yield from (line.decode() + "\n" for line in lines)
        yield rest.decode()
