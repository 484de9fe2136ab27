"""Bench files: read, written with what people put beside the devices, and refused with file, line and field."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from dockscope.devices.bench_file import BenchError, read_bench, write_bench
from dockscope.devices.spec import DeviceSpec

BENCH = """# The bench at the window.
[[device]]
id = "dmm"   # the old one
kind = "visa"
address = "TCPIP::127.0.0.1::5025::SOCKET"
query = "MEAS:VOLT?"
rate_hz = 20
unit = "V"

# The computer itself.
[[device]]
id = "host"
kind = "system"
"""
VOLTMETER = DeviceSpec(
    id="dmm",
    kind="visa",
    rate_hz=20.0,
    unit="V",
    params={"address": "TCPIP::127.0.0.1::5025::SOCKET", "query": "MEAS:VOLT?"},
)
HOST = DeviceSpec(id="host", kind="system")


@pytest.fixture
def bench(tmp_path):
    path = tmp_path / "bench.toml"
    path.write_text(BENCH)
    return path


def test_a_bench_is_read(bench):
    """Each [[device]] is one device, its further entries the parameters of its kind."""
    assert read_bench(bench) == [VOLTMETER, HOST]


def test_saving_without_change_writes_the_same_text(bench):
    """Comments, order and spelling survive."""
    write_bench(bench, read_bench(bench))
    assert bench.read_text() == BENCH


def test_saving_changes_only_what_has_changed(bench):
    """Comments beside a changed device stay, a removed one goes, a new one stands at the end."""
    new = DeviceSpec(id="sim-1", kind="sim", unit="V", params={"model": "multimeter"})
    changed = DeviceSpec(id="dmm", kind="visa", rate_hz=5.0, params=VOLTMETER.params | {"timeout_s": 2.5})
    write_bench(bench, [changed, new])
    text = bench.read_text()
    assert read_bench(bench) == [changed, new]
    assert "# The bench at the window." in text
    assert 'id = "dmm"   # the old one' in text
    assert "host" not in text


@given(
    st.lists(
        st.builds(
            DeviceSpec,
            id=st.from_regex(r"[\w-]{1,20}", fullmatch=True),
            kind=st.just("system"),
            rate_hz=st.floats(1e-4, 1e5),
            name=st.text(max_size=20).filter(str.isprintable),
            unit=st.text(max_size=8).filter(str.isprintable),
            params=st.fixed_dictionaries({}, optional={"disk": st.text(st.characters(exclude_categories=["Cs"]))}),
        ),
        max_size=4,
        unique_by=lambda spec: spec.id,
    )
)
def test_what_is_written_is_read_back(tmp_path_factory, specs):
    """A bench is the same after it was saved, into a new file and over an old one."""
    path = tmp_path_factory.mktemp("bench") / "bench.toml"
    write_bench(path, specs)
    assert read_bench(path) == specs
    write_bench(path, specs[::-1])
    assert read_bench(path) == specs[::-1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            '[[device]]\nid = "a"\nkind = "system"\n\n[[device]]\nid = "a"\nkind = "system"\n',
            "line 5: there is already",
        ),
        ('[[device]]\nkind = "system"\n', "line 1, device 1: id is missing"),
        ('[[device]]\nid = "a"\nkind = "system"\nrate_hz = "fast"\n', "device a: rate_hz: expected `float`"),
        ('[[device]]\nid = "a"\nkind = "system"\nrate_hz = -1\n', "device a: rate_hz is -1, but must be"),
        ('[[device]]\nid = "a"\nkind = "sytem"\n', "sytem is no kind of device: there are visa, sim, system"),
        ('[[device]]\nid = "a"\nkind = "visa"\nquery = "X?"\n', "device a: address is missing"),
        ('[[device]]\nid = "a"\nkind = "system"\nadress = "x"\n', "adress is not known to system, which has disk"),
        ('[[device]]\nid = "a"\nkind = "system"\nsince = 2020-01-01\n', "since must be text, a number"),
        ("\n[[devices]]\n", "line 2: devices is nothing a bench has"),
        ("[device]\n", "begin with [[device]]"),
        ("device = 1\n", "begin with [[device]]"),
        ("[[device]]\nid = \n", "line 2"),
        ("[[device]]\n" * 1001, "at most 1000"),
    ],
)
def test_a_wrong_bench_says_what_and_where(tmp_path, text, words):
    """The refusal names file, line or device, and the field; it is one line."""
    path = tmp_path / "bench.toml"
    path.write_text(text)
    with pytest.raises(BenchError) as refused:
        read_bench(path)
    assert words in str(refused.value)
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)


def test_what_is_no_file_of_ours_is_told(tmp_path):
    """A missing file, one that is no text and one without end are refused, and none is overwritten."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_bytes(b" " * (2**20 + 1))
    for name, words in (("none", "cannot be read"), ("binary", "no text"), ("large", "larger than")):
        with pytest.raises(BenchError, match=words):
            read_bench(tmp_path / name)
    with pytest.raises(BenchError, match="no text"):
        write_bench(tmp_path / "binary", [])
    with pytest.raises(BenchError, match="cannot be written"):
        write_bench(tmp_path / "no folder" / "bench.toml", [])
