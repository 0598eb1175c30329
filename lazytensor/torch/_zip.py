"""PyTorch's archives: zip files of uncompressed records whose data starts at multiples of 64 bytes.

What enters: files, names, bytes. What leaves: files that PyTorch maps into memory, and records,
whose sizes are checked against the file's before memory is reserved. Nothing is ever unpacked onto
a disk. It must not know what records hold.
"""

import struct
import zipfile
from binascii import crc32
from collections.abc import Callable
from functools import partial
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ALIGNMENT", "Buffer", "Reader", "Writer", "fill"]

Buffer = NDArray[np.uint8]
ALIGNMENT = 64
ALIGNED = 16  # what the largest elements need; zip files of others start records anywhere
# Sizes and places from here on stand in the fields of the zip64 extension.
LIMIT = ELSEWHERE = 0xFFFF_FFFF
VERSION = b"3\n"  # of PyTorch's format
WORD = 0xFFFF_FFFF_FFFF_FFFF
# Names are UTF-8; the checksum and the sizes follow the data.
UTF8, SIZES_FOLLOW = 0x800, 0x8
LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
END64, AT64 = b"PK\x06\x06", b"PK\x06\x07"  # the end in 64 bits, and where it is
LOCAL_SIZE, DESCRIPTOR = 30, b"PK\x07\x08"
# What compressed records may become in memory, PyTorch's own being uncompressed: this many bytes,
# or this many times the file.
INFLATED, RATIO = 1 << 28, 16
CHUNK = 1 << 22

_CORRUPT = (
    " This is an internal miniz error. If you are seeing this error, there is a high likelihood "
    "that your checkpoint file is corrupted. This can happen if the checkpoint was not saved "
    "properly, was transferred incorrectly, or the file was modified after saving."
)


def _combined(seed: int, value: int) -> int:
    """Two 64-bit hashes as one, as PyTorch combines them."""
    return (seed ^ (value + 0x9E3779B9 + (seed << 6) + (seed >> 2))) & WORD


class Writer:
    """Writes an archive from its start to its end, with the bytes that PyTorch writes.

    `write` takes bytes and buffers; `name` is the folder that all records are in.
    """

    def __init__(self, write: Callable[[Any], Any], name: str) -> None:
        self.write = write
        self.name = name
        self.place = 0
        self.central: list[bytes] = []
        self.fingerprints = [0, 0]  # of the records' names, of what is in them

    def _put(self, data: bytes | memoryview) -> None:
        self.write(data)
        self.place += len(data)

    def record(self, name: str, data: bytes | Buffer) -> None:
        """Write a record: its header, padding, data, checksum and sizes."""
        view = memoryview(data) if isinstance(data, bytes) else data.data
        size, check, start = view.nbytes, crc32(view), self.place
        wide = size >= LIMIT or start >= LIMIT
        path = f"{self.name}/{name}".encode()
        flags = UTF8 | SIZES_FOLLOW * bool(size)
        extra = _wide_fields(size, start)
        extra += _padding(start + LOCAL_SIZE + len(path) + len(extra) + 4, size)
        fields = (0, flags, 0, 0, 0, 0, 0, 0, len(path), len(extra))
        self._put(LOCAL + struct.pack("<5H3I2H", *fields) + path + extra)
        self._put(view)
        if size:
            form = "<IQQ" if wide else "<III"
            self._put(DESCRIPTOR + struct.pack(form, check, size, size))
        self.central.append(_central(path, flags, check, size, start))
        names, contents = self.fingerprints
        contents = _combined(contents, check) if size else contents
        self.fingerprints = [_combined(names, crc32(name.encode())), contents]

    def close(self) -> None:
        """Write PyTorch's last two records and the directory."""
        self.record("version", VERSION)
        self.record(".data/serialization_id", "{:020d}{:020d}".format(*self.fingerprints).encode())
        start, n = self.place, len(self.central)
        for entry in self.central:
            self._put(entry)
        end, size = self.place, self.place - start
        self._put(END64 + struct.pack("<Q2H2I4Q", 44, 0x031E, 45, 0, 0, n, n, size, start))
        self._put(AT64 + struct.pack("<IQI", 0, end, 1))
        n, start = min(n, 0xFFFF), _narrow(start)
        self._put(END + struct.pack("<4H2IH", 0, 0, n, n, size, start, 0))


def _wide_fields(size: int, start: int) -> bytes:
    """The zip64 extension's fields of what doesn't go into 32 bits."""
    fields = [size] * 2 * (size >= LIMIT) + [start] * (start >= LIMIT)
    return struct.pack(f"<2H{len(fields)}Q", 1, 8 * len(fields), *fields) if fields else b""


def _narrow(n: int) -> int:
    """A number of 32 bits: itself, or what says that it stands in the extension."""
    return n if n < LIMIT else ELSEWHERE


def _padding(place: int, size: int) -> bytes:
    """An extra field that ends at a multiple of the alignment, from where its content starts."""
    n = -place % ALIGNMENT
    return b"FB" + struct.pack("<H", n) + b"Z" * n


def _central(path: bytes, flags: int, check: int, size: int, start: int) -> bytes:
    """A record's entry in the directory."""
    extra, shown = _wide_fields(size, start), _narrow(size)
    fields = (0, 0, flags, 0, 0, 0, check, shown, shown, len(path), len(extra), 0, 0, 0, 0)
    return CENTRAL + struct.pack("<6H3I5H2I", *fields, _narrow(start)) + path + extra


class Reader:
    """Reads the records of an archive: those in the folder that its first one is in.

    Raises RuntimeError for a file that isn't such an archive, or whose records are larger than it
    or overlap.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        try:
            self.zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, struct.error, NotImplementedError) as error:
            raise _failed("reading zip archive: failed finding central directory") from error
        self.size = file.seek(0, 2)
        entries = self.zip.infolist()
        self.name = entries[0].filename.partition("/")[0] if entries else "archive"
        if entries and "/" not in entries[0].filename:
            raise RuntimeError(f"file in archive is not in a subdirectory: {entries[0].filename}")
        self.entries = {entry.filename: entry for entry in entries}
        self._check(entries)

    def _check(self, entries: list[zipfile.ZipInfo]) -> None:
        """Refuse records that overlap, and compressed ones that take too much memory."""
        place, inflated = 0, 0
        for entry in sorted(entries, key=lambda entry: entry.header_offset):
            start = entry.header_offset
            if start < place:
                raise _failed(f"reading zip archive: {entry.filename} overlaps another record")
            place = start + LOCAL_SIZE + len(entry.filename) + entry.compress_size
            if entry.compress_type == zipfile.ZIP_STORED:
                if entry.compress_size != entry.file_size:
                    raise _failed(f"reading zip archive: two sizes are given of {entry.filename}")
            else:
                inflated += entry.file_size
        if place > self.size:
            raise _failed("reading zip archive: records are larger than the file")
        if inflated > max(INFLATED, RATIO * self.size):
            raise RuntimeError(
                f"the archive of {self.size} bytes is compressed and takes {inflated} bytes in "
                "memory; pack it again without compression if you trust it"
            )

    def __contains__(self, name: str) -> bool:
        return f"{self.name}/{name}" in self.entries

    def _entry(self, name: str) -> zipfile.ZipInfo:
        found = self.entries.get(f"{self.name}/{name}")
        if found is None:
            raise _failed(f"locating file {name}: file not found")
        return found

    def bytes(self, name: str) -> bytes:
        """A record's bytes. Raises RuntimeError where there is none."""
        return self.array(name, self._entry(name).file_size).tobytes()

    def array(self, name: str, size: int) -> Buffer:
        """A record's bytes. Raises RuntimeError where there are not `size` of them."""
        entry = self._sized(name, size)
        data = np.empty(size, np.uint8)
        if entry.compress_type == zipfile.ZIP_STORED:
            self.file.seek(self._start(entry))
            fill(data, self.file)
        else:
            self._inflate(entry, data)
        # PyTorch writes 0 where it was told to leave checksums out.
        if entry.CRC and crc32(data.data) != entry.CRC:
            raise _failed(f"reading file {name}: its checksum is another")
        return data

    def _sized(self, name: str, size: int) -> zipfile.ZipInfo:
        entry = self._entry(name)
        if entry.file_size != size:
            raise RuntimeError(
                f"record size ({entry.file_size} bytes) does not match expected size "
                f"({size} bytes) for {name}"
            )
        return entry

    def _start(self, entry: zipfile.ZipInfo) -> int:
        """Where a record's data starts in the file."""
        self.file.seek(entry.header_offset)
        header = self.file.read(LOCAL_SIZE)
        if len(header) != LOCAL_SIZE or header[:4] != LOCAL:
            raise _failed(f"reading file {entry.filename}: it has no header")
        path, extra = struct.unpack("<2H", header[26:])
        start: int = entry.header_offset + LOCAL_SIZE + path + extra
        if start + entry.compress_size > self.size:
            raise _failed(f"reading file {entry.filename}: it goes beyond the file's end")
        return start

    def _inflate(self, entry: zipfile.ZipInfo, data: Buffer) -> None:
        try:
            with self.zip.open(entry) as source:
                fill(data, source)
        except (zipfile.BadZipFile, zipfile.zlib.error, NotImplementedError) as error:  # type: ignore[attr-defined]
            raise _failed(f"reading file {entry.filename}: {error}") from error

    def mapped(self, name: str, size: int, whole: Buffer) -> Buffer:
        """A record's bytes within the file's, mapped into memory. Raises RuntimeError."""
        entry = self._sized(name, size)
        if entry.compress_type != zipfile.ZIP_STORED:
            raise RuntimeError(f"{name} is compressed and can't be mapped into memory")
        start = self._start(entry)
        data = whole[start : start + size]
        return data if start % ALIGNED == 0 else data.copy()


def fill(data: Buffer, source: IO[bytes]) -> None:
    """Read until the data is full. Raises RuntimeError where the file ends before."""
    into = getattr(source, "readinto", partial(_read_into, source))
    place = 0
    while place < len(data):
        n = into(data[place : place + CHUNK].data)
        if not n:
            raise _failed("reading zip archive: unexpected end of file")
        place += n


def _read_into(source: IO[bytes], view: memoryview) -> int:
    piece = source.read(len(view))
    view[: len(piece)] = piece
    return len(piece)


def _failed(what: str) -> RuntimeError:
    """PyTorch's error for an archive that can't be read."""
    return RuntimeError(f"PytorchStreamReader failed {what}.{_CORRUPT}")
