"""Who may use the device server: programs of this machine, holders of the token, and no pages of other sites."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockscope.devices import attach
from dockscope.devices.server import DeviceServer
from dockscope.devices.server_access import ServerAccess
from dockscope.devices.server_errors import RequestError
from served_lab import DrivenDevice, EventReader, ask

TOKEN = "correct-horse"


def answer(access: ServerAccess, method: str, path: str, **headers: str) -> int:
    """Return the status of a refusal, 200 when the request may pass; names of headers have _ for -."""
    try:
        access.check(method, path, {name.replace("_", "-"): value for name, value in headers.items()})
    except RequestError as refusal:
        return refusal.status
    return 200


@pytest.mark.parametrize(
    "host", ["127.0.0.1:5000", "localhost:5000", "localhost", "[::1]:5000", "LOCALHOST", "127.0.0.2", ""]
)
def test_names_of_this_machine_are_answered(host):
    """A request under a name of the loopback passes; one without a name does not come from a browser."""
    assert answer(ServerAccess("127.0.0.1"), "GET", "/devices", host=host) == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:5000", "127.0.0.1.evil.example", "localhost.evil", "[", "10.0.0.1"]
)
def test_a_name_that_was_rebound_to_this_machine_is_refused(host):
    """Whatever is asked, reading included, and whether or not a token is needed."""
    for token in ("", TOKEN):
        access = ServerAccess("127.0.0.1", token=token)
        for method in ("GET", "POST", "DELETE"):
            assert answer(access, method, "/devices", host=host, authorization=f"Bearer {token}") == 403


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:5000", 200),
        ("https://localhost:5000", 200),
        ("http://LOCALHOST:5000", 200),
        ("http://localhost:5001", 403),
        ("http://localhost", 403),
        ("http://127.0.0.1:5000", 403),
        ("http://evil.example", 403),
        ("null", 403),
        ("", 403),
        ("file://localhost:5000", 403),
    ],
)
def test_what_changes_something_needs_an_absent_or_the_same_origin(origin, status):
    """POST, DELETE and the opening of a stream, which starts a device; reading is harmless, as pages cannot see it."""
    access = ServerAccess("127.0.0.1")
    for method, path in (("POST", "/devices/a/call"), ("DELETE", "/devices/a/error"), ("GET", "/stream/devices/a")):
        assert answer(access, method, path, host="localhost:5000", origin=origin) == status
        assert answer(access, method, path, host="localhost:5000") == 200
    assert answer(access, "GET", "/devices", host="localhost:5000", origin=origin) == 200


@pytest.mark.parametrize(
    ("site", "status"), [("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403)]
)
def test_a_picture_in_another_sites_page_starts_no_device(site, status):
    """It carries no Origin, but browsers say whose page asks."""
    access = ServerAccess("127.0.0.1")
    assert answer(access, "GET", "/stream/devices/a", host="localhost:5000", sec_fetch_site=site) == status


def test_other_machines_need_a_token_or_an_explicit_word():
    """The refusal says what to do; a token that no header can hold is refused as well."""
    for host in ("0.0.0.0", "192.168.0.5", "::", "lab.example"):
        with pytest.raises(ValueError, match=r"SSH tunnel, give a token, or pass --insecure"):
            ServerAccess(host)
        assert not ServerAccess(host, token=TOKEN).is_open
        assert ServerAccess(host, insecure=True).is_open
        assert answer(ServerAccess(host, token=TOKEN), "GET", "/", host="any.name") == 401
        assert answer(ServerAccess(host, insecure=True), "GET", "/", host="any.name") == 200
    for token in ("two words", "ü", "a\n"):
        with pytest.raises(ValueError, match="printable ASCII"):
            ServerAccess("127.0.0.1", token=token)


@given(st.text())
def test_only_the_token_opens(told):
    """No other text does, in whatever form."""
    access = ServerAccess("0.0.0.0", token=TOKEN)
    assert answer(access, "POST", "/tasks", authorization=f"Bearer {TOKEN}") == 200
    assert answer(access, "POST", "/tasks", authorization=f"bearer {TOKEN}") == 200
    for value in (told, f"Bearer {told}", f"Basic {told}"):
        if told.strip() != TOKEN:
            assert answer(access, "GET", "/", authorization=value) == 401


def test_a_server_with_a_token_answers_nothing_without_it():
    """Lists, streams, calls and health: 401 with the error object, and no device is started."""
    device = attach(DrivenDevice, "daq1")
    with DeviceServer(port=0, token=TOKEN) as server:
        server.add_device(device)
        for method, path in (
            ("GET", "/health"),
            ("GET", "/devices"),
            ("GET", "/stream/devices/daq1"),
            ("POST", "/tasks"),
        ):
            for headers in ({}, {"authorization": "Bearer wrong"}):
                status, told = ask(server, method, path, headers=headers)
                assert (status, told["error"]["type"]) == (401, "Unauthorized")
        assert device.starts == 0
        known = {"authorization": f"Bearer {TOKEN}", "origin": "http://anywhere"}
        assert ask(server, "GET", "/devices", headers=known)[0] == 200
        with EventReader(server, "daq1", known) as reader:
            assert reader.block() == b"event: ping\r\ndata: {}\r\n"


def test_pages_of_other_sites_are_refused_by_the_server():
    """Over the wire: a call with the Origin of another site is answered with 403, and is not done."""
    device = attach(DrivenDevice, "daq1")
    with DeviceServer(port=0) as server:
        server.add_device(device)
        evil = {"origin": "http://evil.example"}
        for method, path in (("POST", "/devices/daq1/call"), ("GET", "/stream/devices/daq1")):
            assert ask(server, method, path, {"method": "stop_streaming"}, evil)[0] == 403
        assert (device.starts, device.stops) == (0, 0)
        assert ask(server, "GET", "/devices", headers={"host": "evil.example"})[0] == 403


def test_an_open_server_warns(expect_log):
    """Bound to all interfaces without a token, it says so in the log."""
    expect_log("anyone who reaches .* can use these devices", logger="dockscope.devices")
    with DeviceServer("0.0.0.0", 0, insecure=True) as server:
        assert ask(server, "GET", "/health")[0] == 200
