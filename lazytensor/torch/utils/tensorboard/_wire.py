"""Records of an event file: protocol buffers' wire format, and the frame with its checksums.

What enters: numbers of fields and their values. What leaves: bytes. It must not know what they
mean.
"""

import struct

__all__ = ["doubles", "embed", "floating", "record", "text", "varint"]

_POLYNOMIAL = 0x82F63B78


def _table() -> list[int]:
    """What each byte adds to a CRC-32C."""
    out = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        out.append(value)
    return out


_TABLE = _table()


def crc32c(data: bytes) -> int:
    """The checksum with Castagnoli's polynomial."""
    crc, table = 0xFFFFFFFF, _TABLE
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def _masked(data: bytes) -> bytes:
    """The checksum as it stands in the frame: turned and shifted."""
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def record(data: bytes) -> bytes:
    """Bytes in their frame: length and checksum before, checksum behind."""
    head = struct.pack("<Q", len(data))
    return head + _masked(head) + data + _masked(data)


def _number(value: int) -> bytes:
    """Seven bits a byte, the low ones first; negative numbers are taken as 64 bits."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def varint(field: int, value: int) -> bytes:
    """A field with a whole number; nothing for 0, which is what readers take for nothing."""
    return _number(field << 3) + _number(value) if value else b""


def embed(field: int, data: bytes) -> bytes:
    """A field with a message or bytes."""
    return _number(field << 3 | 2) + _number(len(data)) + data


def text(field: int, value: str) -> bytes:
    """A field with text. Raises TypeError for what is none."""
    if not isinstance(value, str):
        raise TypeError(f"expected a string, got {type(value).__name__}")
    return embed(field, value.encode())


def floating(field: int, value: float, code: str = "d", always: bool = False) -> bytes:
    """A field with a number of 8 bytes, or 4 for the code "f"; 0 leaves none unless `always`."""
    data = struct.pack(f"<{code}", value)
    return _number(field << 3 | (1 if code == "d" else 5)) + data if always or any(data) else b""


def doubles(field: int, values: list[float], code: str = "d") -> bytes:
    """A field with several numbers; nothing for none."""
    return embed(field, struct.pack(f"<{len(values)}{code}", *values)) if values else b""
