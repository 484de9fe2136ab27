"""Which shared libraries an ELF file asks for, read from the file itself: nothing is loaded or run."""

from __future__ import annotations

import struct
from pathlib import Path

# Numbers of the ELF-64 object file format (System V gABI, chapters "Program Header" and "Dynamic Section").
_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NULL, _DT_NEEDED, _DT_STRTAB = 0, 1, 5
_PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")  # type, flags, offset, vaddr, paddr, filesz, memsz, align
_DYNAMIC_ENTRY = struct.Struct("<qQ")  # tag, value


def needed_libraries(path: Path) -> tuple[str, ...]:
    """Return the names in the DT_NEEDED entries of a shared library or plug-in.

    Args:
        path: a 64-bit little endian ELF file.

    Returns:
        Sonames such as ``libxcb-cursor.so.0``, in the order of the file.

    Raises:
        ValueError: the file is no such ELF file, or is cut short.
        OSError: the file cannot be read.
    """
    image = path.read_bytes()
    if image[:6] != b"\x7fELF\x02\x01":
        raise ValueError(f"{path.name} is no 64-bit little endian ELF file")
    try:
        return _needed(image)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} is damaged: {error}") from error


def _needed(image: bytes) -> tuple[str, ...]:
    segments = _segments(image)
    dynamic = next((segment for segment in segments if segment[0] == _PT_DYNAMIC), None)
    if dynamic is None:  # statically linked
        return ()
    entries = _dynamic_entries(image, offset=dynamic[2], nbytes=dynamic[5])
    names = [value for tag, value in entries if tag == _DT_NEEDED]
    table_address = next((value for tag, value in entries if tag == _DT_STRTAB), 0)
    table = _file_offset(segments, table_address)
    return tuple(_text_at(image, table + name) for name in names)


def _segments(image: bytes) -> list[tuple[int, ...]]:
    (start,) = struct.unpack_from("<Q", image, 0x20)
    size, count = struct.unpack_from("<HH", image, 0x36)
    return [_PROGRAM_HEADER.unpack_from(image, start + i * size) for i in range(count)]


def _dynamic_entries(image: bytes, *, offset: int, nbytes: int) -> list[tuple[int, int]]:
    entries = []
    for at in range(offset, offset + nbytes, _DYNAMIC_ENTRY.size):
        tag, value = _DYNAMIC_ENTRY.unpack_from(image, at)
        if tag == _DT_NULL:
            break
        entries.append((tag, value))
    return entries


def _file_offset(segments: list[tuple[int, ...]], address: int) -> int:
    for kind, _, offset, start, _, nbytes, _, _ in segments:
        if kind == _PT_LOAD and start <= address < start + nbytes:
            return offset + address - start
    raise IndexError(f"address {address:#x} is in no segment")


def _text_at(image: bytes, offset: int) -> str:
    end = image.find(b"\0", offset)
    if end < 0:
        raise IndexError("a name does not end")
    return image[offset:end].decode()
