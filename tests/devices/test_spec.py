"""Devices as URLs and as tables: what is written is read back, and what is wrong is told in a sentence."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from dockscope.devices.spec import POLICIES, DeviceSpec

WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
PLAIN = st.one_of(WORDS, st.integers(-(2**53), 2**53), st.booleans(), st.floats(allow_nan=False, allow_infinity=False))
KEYS = st.text("abcdefghij_", min_size=1, max_size=8).filter(lambda key: key not in {"id", "name", "unit", "rate"})
VALUES = st.one_of(PLAIN, st.lists(PLAIN, max_size=3), st.dictionaries(WORDS, PLAIN, max_size=3))
PRINTABLE = WORDS.filter(str.isprintable)


@given(
    id=st.from_regex(r"[\w-]{1,64}", fullmatch=True),
    kind=st.sampled_from(["visa", "sim", "system", "some.plug-in"]),
    place=WORDS.map(str.strip).filter(bool),
    rate_hz=st.floats(1e-4, 1e5),
    name=PRINTABLE,
    unit=PRINTABLE,
    policy=st.sampled_from(POLICIES),
    params=st.dictionaries(KEYS, VALUES, max_size=4),
)
def test_a_device_is_the_same_after_its_url(id, kind, place, rate_hz, name, unit, policy, params):  # noqa: A002
    """Whatever a device is, its URL gives it back, and has one spelling."""
    where = {"visa": {"address": place}, "sim": {"model": place}}.get(kind, {})
    spec = DeviceSpec(id=id, kind=kind, rate_hz=rate_hz, name=name, unit=unit, policy=policy, params=params | where)
    again = DeviceSpec.from_url(spec.url)
    assert again == spec
    assert again.url == spec.url


@pytest.mark.parametrize(
    ("url", "spec"),
    [
        (
            "visa:TCPIP::127.0.0.1::5025::SOCKET?query=MEAS:VOLT?&rate=20&unit=V",
            DeviceSpec(
                id="tcpip-127-0-0-1-5025-socket",
                kind="visa",
                rate_hz=20.0,
                unit="V",
                params={"address": "TCPIP::127.0.0.1::5025::SOCKET", "query": "MEAS:VOLT?"},
            ),
        ),
        (" SIM:multimeter ", DeviceSpec(id="multimeter", kind="sim", params={"model": "multimeter"})),
        ("device://system?rate=0.5&id=host", DeviceSpec(id="host", kind="system", rate_hz=0.5)),
        (
            "visa:ASRL/dev/ttyUSB0::INSTR?initialize=*RST&initialize=SYST:REM&timeout_s=2.5&deep=[1,2]&word=%225%22",
            DeviceSpec(
                id="asrl-dev-ttyusb0-instr",
                kind="visa",
                params={
                    "address": "ASRL/dev/ttyUSB0::INSTR",
                    "initialize": ["*RST", "SYST:REM"],
                    "timeout_s": 2.5,
                    "deep": [1, 2],
                    "word": "5",
                },
            ),
        ),
    ],
)
def test_urls_as_people_write_them(url, spec):
    """Addresses and queries stand as they are; what reads as a number is one."""
    assert DeviceSpec.from_url(url) == spec


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("visa:", "lacks its device"),
        ("http:x", "names no device"),
        ("sim:multimeter?rate=0", "rate_hz is 0, but must be"),
        ("sim:multimeter?rate=fast", "rate_hz: expected `float`, got `str`"),
        ("sim:multimeter?queue=0", "queue_size is 0"),
        ("sim:multimeter?policy=newest", "drop_oldest, drop_newest, block, decimate"),
        ("sim:multimeter?id=a/b", "letters, digits, _ and -"),
        ("sim:multimeter?kind=visa", "cannot be the name of a parameter"),
        ("sim:multimeter?deep=[[[[[[1]]]]]]", "nested deeper than"),
        ("device:a%20b", "name of a kind"),
        ("sim:multimeter?unit=" + "V" * 33, "at most 32 characters"),
        ("sim:multimeter?x=" + "V" * 5000, "longer than 4096"),
        ("sim:multimeter?" + "&".join(f"p{number}=1" for number in range(70)), "at most 64"),
    ],
)
def test_a_wrong_url_says_what_is_wrong(url, words):
    """The refusal is one sentence that names the field and its bounds."""
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the words are looked at below
        DeviceSpec.from_url(url)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("value", [math.nan, math.inf, None, b"x", {"a": {1, 2}}, "\ud800"])
def test_a_parameter_is_plain_data(value):
    """What neither a URL nor a bench file can hold is refused."""
    with pytest.raises(ValueError):  # noqa: PT011 - each says it in its own way
        DeviceSpec(id="a", kind="b", params={"x": value})


def test_a_table_is_checked_as_a_url_is():
    """Bounds hold for whatever a spec is made from."""
    with pytest.raises(msgspec.ValidationError, match="queue_size"):
        msgspec.convert({"id": "a", "kind": "b", "queue_size": 2_000_000}, DeviceSpec)
