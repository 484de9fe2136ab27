"""What a person says of one device: which, how often, under what name; as a URL and as a table of a bench file."""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote

import msgspec

from ..core.series import LONGEST_NAME_BYTES

VISA, SIM, DEVICE = "visa", "sim", "device"  # URL schemes; the first two are kinds as well
PLACE = {VISA: "address", SIM: "model"}  # the parameter that stands before the question mark
EXAMPLES = {
    VISA: "visa:TCPIP::192.168.0.5::5025::SOCKET?query=MEAS:VOLT?&rate=10",
    SIM: "sim:multimeter?rate=10",
    DEVICE: "device:system?rate=1",
}
POLICIES = ("drop_oldest", "drop_newest", "block", "decimate")
LEAST_RATE_HZ, MOST_RATE_HZ = 1e-4, 100_000.0
MOST_QUEUED = 1_000_000
MOST_PARAMS = 64
LONGEST_TEXT = 4096
DEEPEST_PARAM = 4
LONGEST_UNIT = 32

_ID = re.compile(r"[\w-]{1,64}")
_KIND = re.compile(r"[\w.-]{1,64}")
_QUERY_NAMES = {"rate": "rate_hz", "queue": "queue_size"}  # short words of the URL for fields
_FIELDS = ("id", "rate_hz", "name", "unit", "policy", "queue_size")


class DeviceSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One device of a bench.

    Args:
        id: letters, digits, ``_`` and ``-``; unique in its bench. kind: ``visa``, ``sim``, ``system``, ``pymeasure``,
            ``qcodes`` or the name of a plug-in. rate_hz: readings a second.
        name: of the metric; the id when empty. unit: of the readings, free text.
        policy: what happens to readings nobody takes in time. queue_size: readings that may wait.
        params: what the kind needs beyond that, such as ``address``: texts, numbers, truth values, lists and tables.

    Raises:
        ValueError: a field is out of its bounds, with a sentence for a person.
    """

    id: str
    kind: str
    rate_hz: float = 10.0
    name: str = ""
    unit: str = ""
    policy: str = "drop_oldest"
    queue_size: int = 1000
    params: dict[str, Any] = {}

    def __post_init__(self) -> None:
        """Check every field."""
        _check_text(self)
        if not (isfinite(self.rate_hz) and LEAST_RATE_HZ <= self.rate_hz <= MOST_RATE_HZ):
            raise ValueError(f"rate_hz is {self.rate_hz:g}, but must be {LEAST_RATE_HZ:g} to {MOST_RATE_HZ:g}")
        if self.policy not in POLICIES:
            raise ValueError(f"policy is {self.policy[:40]!r}, but must be one of {', '.join(POLICIES)}")
        if not 1 <= self.queue_size <= MOST_QUEUED:
            raise ValueError(f"queue_size is {self.queue_size}, but must be 1 to {MOST_QUEUED}")
        if len(self.params) > MOST_PARAMS:
            raise ValueError(f"there are {len(self.params)} parameters, but at most {MOST_PARAMS} are taken")
        for key, value in self.params.items():
            _check_param(key, value)

    @property
    def metric(self) -> str:
        """The name of what it reads."""
        return self.name or self.id

    @property
    def url(self) -> str:
        """The one spelling of it as a URL; ``from_url`` gives an equal device back."""
        scheme = self.kind if self.kind in PLACE else DEVICE
        within = PLACE.get(scheme)
        place = self.kind if within is None else str(self.params.get(within, ""))
        usual = DeviceSpec(id=_usual_id(scheme, place), kind=self.kind)
        pairs = [
            (word, _field_text(getattr(self, field)))
            for word, field in _words()
            if getattr(self, field) != getattr(usual, field)
        ]
        pairs += [(quote_plus(key), _spelled(value)) for key, value in sorted(self.params.items()) if key != within]
        query = "&".join(f"{key}={text}" for key, text in pairs)
        return f"{scheme}:{_quoted_place(place)}" + (f"?{query}" if query else "")

    @classmethod
    def from_url(cls, url: str) -> DeviceSpec:
        """Read ``visa:ADDRESS?query=…&rate=…``, ``sim:MODEL?…`` or ``device:KIND?…``.

        ``id``, ``rate`` (a second), ``name``, ``unit``, ``policy`` and ``queue`` are fields; the rest are parameters of
        the kind. A value that reads as JSON is that value, any other is text.

        Raises:
            ValueError: it is wrong, with a sentence for a person.
        """
        scheme, _, rest = url.strip().partition(":")
        scheme = scheme.lower()
        if scheme not in EXAMPLES:
            raise ValueError(f"{url[:60]!r} names no device: write it like {EXAMPLES[SIM]}")
        place, _, query = rest.removeprefix("//").partition("?")
        place = unquote(place).strip()
        if not place:
            raise ValueError(f"{url[:60]!r} lacks its device: write it like {EXAMPLES[scheme]}")
        fields, params = _read_query(query)
        if scheme in PLACE:
            params[PLACE[scheme]] = place
        kind = scheme if scheme in PLACE else place
        try:
            return msgspec.convert({"id": _usual_id(scheme, place), "kind": kind} | fields | {"params": params}, cls)
        except msgspec.ValidationError as error:
            raise ValueError(f"{url[:60]!r}: {plain_reason(error)}") from None


_PLAIN = ":/[]@,.-_"  # usual in VISA addresses, and harmless before the question mark


def plain_reason(error: msgspec.ValidationError) -> str:
    """Return what a refusal of msgspec says, without the path in its own notation where it names a field."""
    text, _, path = str(error).partition(" - at `$")
    field = path.rstrip("`").lstrip(".")
    return f"{field}: {text[:1].lower()}{text[1:]}" if field else text


def _words() -> list[tuple[str, str]]:
    short = {field: word for word, field in _QUERY_NAMES.items()}
    return [(short.get(field, field), field) for field in _FIELDS]


def _read_query(query: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return fields and parameters; a parameter that stands there several times is a list."""
    fields: dict[str, Any] = {}
    params: dict[str, Any] = {}
    by_word = dict(_words())
    for key, text in parse_qsl(query, keep_blank_values=True, max_num_fields=4 * MOST_PARAMS):
        if key in by_word:
            field = by_word[key]
            fields[field] = text if field in ("id", "name", "unit", "policy") else _valued(text)
        elif key in params:
            before = params[key]
            params[key] = [*(before if isinstance(before, list) else [before]), _valued(text)]
        else:
            params[key] = _valued(text)
    return fields, params


def _valued(text: str) -> Any:
    """Read a value of the query: JSON where it is some, else the text itself."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return text
    return text if value is None else value


def _refuse_constant(word: str) -> None:
    raise ValueError(word)  # NaN and Infinity are Python's, not JSON's


def _spelled(value: Any) -> str:
    """Write a value so that ``_valued`` reads it back."""
    is_plain = type(value) is str and _valued(value) == value
    return quote_plus(value if is_plain else json.dumps(value), safe=_PLAIN + "*?")


def _field_text(value: Any) -> str:
    """Write a field, which is text or a number."""
    if type(value) is float and value.is_integer():
        value = int(value)
    return quote_plus(str(value), safe=_PLAIN)


def _quoted_place(place: str) -> str:
    """Write an address; one that begins with two slashes must not look like a host."""
    text = quote(place, safe=_PLAIN)
    return f"%2F{text[1:]}" if text.startswith("//") else text


def _usual_id(scheme: str, place: str) -> str:
    """Make an id of an address or a kind."""
    return re.sub(r"[^\w-]+", "-", place.lower()).strip("-")[:64].strip("-") or scheme


def _check_text(spec: DeviceSpec) -> None:
    if not _ID.fullmatch(spec.id):
        raise ValueError(f"id is {spec.id[:40]!r}, but must be 1 to 64 letters, digits, _ and -")
    if not _KIND.fullmatch(spec.kind):
        raise ValueError(f"kind is {spec.kind[:40]!r}, but must be the name of a kind of device")
    if len(spec.name.encode("utf-8", "replace")) > LONGEST_NAME_BYTES or not spec.name.isprintable():
        raise ValueError(f"name must be one line of at most {LONGEST_NAME_BYTES} bytes")
    if len(spec.unit) > LONGEST_UNIT or not spec.unit.isprintable():
        raise ValueError(f"unit must be one line of at most {LONGEST_UNIT} characters")


def _check_param(key: str, value: Any, depth: int = 0) -> None:
    if not depth and (not key or len(key) > 64 or key in dict(_words()) or key in _FIELDS or key == "kind"):
        raise ValueError(f"{key[:40]!r} cannot be the name of a parameter")
    if depth > DEEPEST_PARAM:
        raise ValueError(f"{key[:40]} is nested deeper than {DEEPEST_PARAM}")
    if type(value) is str:
        if len(value.encode()) > LONGEST_TEXT:
            raise ValueError(f"{key[:40]} is longer than {LONGEST_TEXT} bytes")
    elif type(value) is dict or type(value) is list:
        for item in value.values() if type(value) is dict else value:
            _check_param(key, item, depth + 1)
    elif type(value) not in (int, float, bool) or (type(value) is float and not isfinite(value)):
        raise ValueError(f"{key[:40]} must be text, a number, true or false, a list or a table of those")
