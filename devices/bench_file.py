"""Bench files: the devices of a bench as TOML, for people to write. What they wrote beside the devices stays.

::

    [[device]]
    id = "dmm"
    kind = "visa"
    address = "TCPIP::192.168.0.5::5025::SOCKET"
    query = "MEAS:VOLT?"
    rate_hz = 10
    name = "voltage"
    unit = "V"
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Table

from .catalog import kind_of
from .spec import DeviceSpec, plain_reason

MAX_BENCH_BYTES = 2**20
MOST_DEVICES = 1000
TABLE = "device"
_FIELDS = DeviceSpec.__struct_fields__[:-1]  # all but params, which stand beside them
_SHOWN = ("id", "kind")  # whatever they are
_DEFAULTS = DeviceSpec(id="x", kind="x")


class BenchError(ValueError):
    """A bench file is wrong; the text says what, and where."""


def read_bench(path: Path) -> list[DeviceSpec]:
    """Read the devices of a bench file.

    Raises:
        BenchError: it cannot be read or is wrong, with file, line and field.
    """
    text = _read_text(path)
    document = _parse(text, path)
    unknown = next((key for key in document if key != TABLE), None)
    if unknown is not None:
        raise BenchError(
            f"{path}, line {_line_of_key(text, unknown)}: {unknown[:40]} is nothing a bench has: use [[device]]"
        )
    tables = document.get(TABLE)
    if tables is None:
        return []
    if not isinstance(tables, AoT):
        raise BenchError(f"{path}: devices are tables that begin with [[device]], each its own")
    if len(tables) > MOST_DEVICES:
        raise BenchError(f"{path}: {len(tables)} devices, but a bench has at most {MOST_DEVICES}")
    lines = _lines_of_tables(text)
    found: dict[str, DeviceSpec] = {}
    for number, table in enumerate(tables):
        where = f"{path}, line {lines[number]}" if number < len(lines) else f"{path}, device {number + 1}"
        try:
            spec = _spec(table.unwrap())
        except ValueError as error:
            raise BenchError(f"{where}, device {table.get('id', number + 1)!s:.64}: {error}") from None
        if spec.id in found:
            raise BenchError(f"{where}: there is already a device {spec.id}: give each an id of its own")
        found[spec.id] = spec
    return list(found.values())


def write_bench(path: Path, specs: Sequence[DeviceSpec]) -> None:
    """Write devices into a bench file: comments, order and spelling of what is there already stay.

    Raises:
        BenchError: what is there is no bench file, or it cannot be written.
    """
    document = _parse(_read_text(path), path) if path.exists() else tomlkit.document()
    if not isinstance(document.get(TABLE), AoT):
        document[TABLE] = tomlkit.aot()
    _bring_together(document[TABLE], specs)
    if not specs:
        del document[TABLE]
    _write_whole(path, tomlkit.dumps(document))


def _bring_together(tables: Any, specs: Sequence[DeviceSpec]) -> None:
    """Make the tables those of the devices, in their order; a table that may stay where it is stays."""
    wanted = {spec.id for spec in specs}
    for index in reversed(range(len(tables))):
        if str(tables[index].get("id")) not in wanted:
            del tables[index]
    for index, spec in enumerate(specs):
        ids = [str(table.get("id")) for table in tables]
        if spec.id not in ids:
            tables.insert(index, tomlkit.table())
        elif ids.index(spec.id) != index:
            moved = tables[ids.index(spec.id)]
            del tables[ids.index(spec.id)]
            tables.insert(index, moved)
        _update(tables[index], spec)


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BENCH_BYTES + 1)
        if len(content) > MAX_BENCH_BYTES:
            raise BenchError(f"{path} is larger than {MAX_BENCH_BYTES} bytes: that is no bench file")
        return content.decode()
    except OSError as error:
        raise BenchError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BenchError(f"{path} is no text in UTF-8 (byte {error.start})") from None


def _parse(text: str, path: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except (TOMLKitError, RecursionError) as error:
        raise BenchError(f"{path}: {str(error) or 'nested too deep'}") from None  # it names line and column
    except ValueError as error:
        raise BenchError(f"{path}: {error}") from None


def _spec(values: dict[str, Any]) -> DeviceSpec:
    """Make a device of a table, whose further entries are its parameters; its kind has to know them."""
    missing = next((name for name in ("id", "kind") if name not in values), None)
    if missing is not None:
        raise ValueError(f"{missing} is missing")
    fields = {name: values.pop(name) for name in _FIELDS if name in values}
    try:
        spec = msgspec.convert(fields | {"params": values}, DeviceSpec)
    except msgspec.ValidationError as error:
        raise ValueError(plain_reason(error)) from None
    kind_of(spec.kind).check(spec)
    return spec


def _update(table: Table, spec: DeviceSpec) -> None:
    """Bring a table to what the device is now; entries that say so already are left as they are written."""
    shown = _SHOWN if len(table) else (*_SHOWN, "rate_hz")
    wanted = {name: getattr(spec, name) for name in _FIELDS} | spec.params
    for name in [name for name in table if name not in wanted]:
        del table[name]
    for name, value in wanted.items():
        if name in table:
            if table[name].unwrap() != value:
                table[name] = value
        elif name in shown or value != getattr(_DEFAULTS, name, None):
            table.append(name, value)


def _write_whole(path: Path, text: str) -> None:
    """Replace a file at once, so that a crash leaves the old or the new bench."""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            if path.exists():
                Path(temporary).chmod(path.stat().st_mode & 0o777)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BenchError(f"{path} cannot be written: {error.strerror}") from None


def _lines_of_tables(text: str) -> list[int]:
    """Return the line of each [[device]], from 1."""
    heads = (line.split("#")[0].replace(" ", "").strip() for line in text.splitlines())
    return [number for number, head in enumerate(heads, 1) if head == f"[[{TABLE}]]"]


def _line_of_key(text: str, key: str) -> int:
    lines = text.splitlines()
    return next((number for number, line in enumerate(lines, 1) if line.lstrip(" [\"'").startswith(key)), 1)
