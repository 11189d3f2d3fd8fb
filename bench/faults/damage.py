"""Damage the bytes of a file: pure functions of the bytes, the form of the damage and a place in them."""

from collections.abc import Callable


def flip_bit(content: bytes, place: float, key: int) -> bytes:
    """Return the content with one bit flipped; unchanged if it is empty.

    Args:
        content: of the file.
        place: of the byte, as a share (0-1) of the file.
        key: chooses the bit.
    """
    if not content:
        return content
    at = min(int(place * len(content)), len(content) - 1)
    return content[:at] + bytes([content[at] ^ (1 << key % 8)]) + content[at + 1 :]


def truncate(content: bytes, place: float) -> bytes:
    """Return the beginning of the content, at least one byte less than all of it."""
    return content[: min(int(place * len(content)), max(len(content) - 1, 0))]


FORMS: dict[str, Callable[[bytes, float, int], bytes | None]] = {
    "truncated": lambda content, place, _: truncate(content, place),
    "a bit flipped": flip_bit,
    "empty": lambda content, place, key: b"",
    "zeros": lambda content, place, key: bytes(len(content)),
    "twice": lambda content, place, key: content * 2,
    "gone": lambda content, place, key: None,
}
"""Damaged content by the form of the damage; None: the file is removed."""
