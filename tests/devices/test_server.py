"""The device server: what it answers about devices, to clients that do as they should and to others."""

from __future__ import annotations

import http.client
import json
import math
import socket
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_replay import captured_answers
from dockscope.devices import StreamingDevice, attach
from dockscope.devices.server import DeviceServer
from dockscope.devices.server_errors import RequestError
from dockscope.devices.server_requests import parse_body
from served_lab import DrivenDevice, Laser, ask, ask_on, call

GIFTS = {
    "numbers": {"f4": np.float32(0.5), "i8": np.int64(7), "truth": np.bool_(True), "array": np.arange(3)},
    "not finite": [math.nan, math.inf, -math.inf, np.array([1.0, math.nan])],
    "thing": object(),
    "end": SystemExit(3),
    "exhausted": StopIteration(),
    "wrong": ValueError("out of range"),
    "state": RuntimeError("the shutter is closed"),
    "link": OSError("the cable is out"),
}


class SimDAQ(DrivenDevice):
    """As in the captures."""

    def is_connected(self):
        return True

    def fail(self):
        raise RuntimeError("simulated device fault")


class SimLaser:
    """As in the captures."""

    def __init__(self, device_id):
        self.device_id = device_id

    def connect(self):
        pass

    def disconnect(self):
        pass

    def get_wavelength(self):
        return 1064.0

    def is_connected(self):
        return True

    def set_wavelength(self, nm: float, wait: bool = True):
        pass


@pytest.fixture
def laser():
    """A device with all sorts of methods."""
    return attach(Laser, "laser1")


@pytest.fixture
def server(laser):
    """A server of it and of one that streams."""
    laser.gifts = GIFTS
    with DeviceServer(port=0, call_limit_s=10.0) as server:
        server.add_device(laser)
        server.add_device(attach(DrivenDevice, "daq1"))
        yield server
        laser.may_return.set()


@pytest.fixture(scope="module")
def quiet():
    """The same for tests in which no device has anything to do, and so no thread."""
    laser = attach(Laser, "laser1")
    with DeviceServer(port=0) as server:
        server.add_device(laser)
        server.add_device(attach(DrivenDevice, "daq1"))
        yield server


def untimed(told):
    """Take out of an answer what differs from one time to the next."""
    if isinstance(told, dict):
        return {key: None if key in ("timestamp", "traceback") else untimed(value) for key, value in told.items()}
    return [untimed(item) for item in told] if isinstance(told, list) else told


def test_the_answers_are_those_that_were_captured():
    """Root, health, lists, methods and errors have the fields, words, order and status of the captured server."""
    captured = captured_answers()
    with DeviceServer(port=0) as server:
        server.add_device(attach(SimDAQ, "daq1"))
        server.add_device(attach(SimDAQ, "daq2"))
        server.add_device(SimLaser("laser1"))
        for asked in [name for name in captured if name.startswith("GET /") and name != "GET /tasks/sweep1"]:
            method, path = asked.split(" ")
            _, told = ask(server, method, path)
            expected = json.loads(captured[asked])
            assert json.dumps(untimed(told)) == json.dumps(untimed(expected)), asked
        assert call(server, "laser1", "set_wavelength", 1.0) == (200, json.loads(captured["POST call set_wavelength"]))
        status, told = call(server, "daq1", "fail")
        assert (status, untimed(told)) == (400, untimed(json.loads(captured["POST call fail"])))
        status, told = ask(server, "GET", "/devices/daq1/error")
        assert (status, untimed(told)) == (200, untimed(json.loads(captured["GET error"])))
        assert "in fail" in told["error"]["traceback"]
        assert ask(server, "GET", "/devices/daq1")[1]["last_error"] == told


def test_a_call_that_takes_long_holds_up_nobody_else(server, laser):
    """While a device is busy the others, the list with it in it, and health are answered; then it answers, too."""
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(call(server, "laser1", "block")))
    waiting.start()
    assert laser.entered.wait(5.0)
    assert ask(server, "GET", "/health")[0] == 200
    listed = ask(server, "GET", "/devices")[1]["devices"]
    assert [one["device_id"] for one in listed] == ["laser1", "daq1"]
    assert ask(server, "GET", "/devices/laser1")[0] == 200
    assert call(server, "daq1", "is_streaming") == (200, {"result": False, "success": True})
    assert answers == []
    laser.may_return.set()
    waiting.join()
    assert answers == [(200, {"result": "unblocked", "success": True})]


def test_a_call_that_never_returns_is_given_up(laser, expect_log):
    """It is told as an error of the device, and the next call is done."""
    expect_log("laser1.* did not return", logger="dockscope.devices")
    with DeviceServer(port=0, call_limit_s=0.3) as server:
        plain = Laser("laser1")  # without a lock: its next call does not wait for the one that hangs
        server.add_device(plain)
        status, told = call(server, "laser1", "block")
        assert (status, told["error"]["type"]) == (500, "DeviceStuckError")
        assert call(server, "laser1", "get_wavelength")[1]["result"] == 1550.0
        plain.may_return.set()


def test_results_of_numpy_and_what_is_not_finite_are_json(server):
    """NumPy numbers are numbers; NaN and infinities, which JSON does not have, are words."""
    for what, result in (
        ("numbers", {"f4": 0.5, "i8": 7, "truth": True, "array": [0, 1, 2]}),
        ("not finite", ["NaN", "Infinity", "-Infinity", [1.0, "NaN"]]),
    ):
        assert call(server, "laser1", "give", what) == (200, {"result": result, "success": True})


def test_errors_of_a_call_are_told_and_kept(server):
    """The status says whose fault it is, the type is that of the exception; nothing a device raises ends the server."""
    for what, status, kind in (
        ("wrong", 400, "ValueError"),
        ("state", 400, "RuntimeError"),
        ("link", 500, "OSError"),
        ("missing", 500, "KeyError"),
        ("thing", 500, "UnwritableError"),
        ("end", 400, "RuntimeError"),
        ("exhausted", 400, "RuntimeError"),
    ):
        answered, told = call(server, "laser1", "give", what)
        assert (answered, told["error"]["type"], told["error"]["origin"]) == (status, kind, "device")
        kept = ask(server, "GET", "/devices/laser1/error")[1]["error"]
        assert (kept["type"], kept["context"]["method"], kept["context"]["args"]) == (kind, "give", [what])
        assert ask(server, "GET", "/health")[0] == 200


@pytest.mark.parametrize("name", ["hook", "limit", "factory", "nm", "gifts", "entered", "nothing"])
def test_only_methods_of_the_class_may_be_called(quiet, name):
    """Attributes that happen to be callable, properties and values are no methods, and not listed either."""
    status, told = call(quiet, "laser1", name)
    assert (status, told["error"]["type"]) == (404, "MethodNotFound")
    listed = [method["name"] for method in ask(quiet, "GET", "/devices/laser1/methods")[1]["methods"]]
    assert listed == ["block", "connect", "disconnect", "get_wavelength", "give", "set_wavelength"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "Method name is required"),
        ({"method": 3}, "Method name is required"),
        ({"method": "_secret"}, "Private methods cannot be called remotely"),
        ({"method": "__class__"}, "Private methods cannot be called remotely"),
        ({"method": "give", "args": {}}, "args must be a list"),
        ({"method": "give", "kwargs": []}, "kwargs must be a dict"),
        ([], "the body must be a JSON object"),
        (b"{", "the body is no JSON"),
        (b"\xff", "the body is no JSON"),
        (b"[" * 100_000, "the body is no JSON"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, "the body is nested deeper than 64"),
        (b'{"a":' + b"1" * 10_000 + b"}", "the body is no JSON"),
    ],
)
def test_wrong_requests_are_refused_in_words(quiet, body, words):
    """Each gets status 400 and the error object, and nothing is called."""
    status, told = ask(quiet, "POST", "/devices/laser1/call", body)
    assert (status, told["error"]["type"], told["error"]["message"]) == (400, "InvalidRequest", words)
    assert ask(quiet, "GET", "/devices/laser1/error")[0] == 404


def test_a_stream_is_not_started_by_a_call(server):
    """A callback cannot be sent: the answer says what to do instead."""
    status, told = call(server, "daq1", "start_streaming", "callback")
    assert (status, "GET /stream/devices/daq1" in told["error"]["message"]) == (400, True)


def test_too_large_a_body_is_refused_while_it_comes(server):
    """More than 1 MiB is not read to its end; the answer comes, and the server goes on."""
    with socket.create_connection((server.host, server.port), timeout=10.0) as link:
        link.sendall(
            b"POST /devices/laser1/call HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000000\r\n\r\n"
            + b" " * 1_100_000
        )
        assert b"HTTP/1.1 413 " in link.recv(100)
    assert ask(server, "GET", "/health")[0] == 200


def test_what_is_no_http_is_told_once_in_a_while(server, expect_log):
    """It is answered with 400; the log tells of it once, however often it happens."""
    expect_log("Invalid HTTP request", logger="dockscope.devices")
    for _ in range(5):
        with socket.create_connection((server.host, server.port), timeout=10.0) as link:
            link.sendall(b"\x00\x01 nonsense\r\n\r\n")
            assert b"400" in link.recv(100)


def test_a_client_that_leaves_amid_its_body_is_forgotten(server):
    """Nothing is logged, nothing is called, and the server goes on."""
    with socket.create_connection((server.host, server.port), timeout=10.0) as link:
        link.sendall(b"POST /devices/laser1/call HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{")
    assert ask(server, "GET", "/health")[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/nothing", 404, "NotFound"),
        ("GET", "/devices/", 404, "NotFound"),
        ("PUT", "/devices", 405, "MethodNotAllowed"),
        ("GET", "/devices/nope", 404, "DeviceNotFound"),
        ("GET", "/devices/nope/methods", 404, "DeviceNotFound"),
        ("POST", "/devices/nope/call", 404, "DeviceNotFound"),
        ("POST", "/devices/nope/connect", 404, "DeviceNotFound"),
        ("POST", "/devices/nope/disconnect", 404, "DeviceNotFound"),
        ("POST", "/devices/nope/stream/stop", 404, "DeviceNotFound"),
        ("GET", "/devices/nope/error", 404, "DeviceNotFound"),
        ("DELETE", "/devices/nope/error", 404, "DeviceNotFound"),
        ("GET", "/stream/devices/nope", 404, "DeviceNotFound"),
        ("DELETE", "/devices/daq1/error", 404, "NoError"),
    ],
)
def test_what_there_is_not_is_told_in_the_same_form(quiet, method, path, status, kind):
    """Unknown paths, methods and devices get the error object."""
    answered, told = ask(quiet, method, path)
    assert (answered, told["error"]["type"], told["error"]["origin"]) == (status, kind, "framework")


def test_clearing_an_error_has_no_body_and_leaves_the_connection_usable(server):
    """The answer is 204 and nothing more: the next request over the same connection works."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=10.0)
    assert ask_on(connection, "POST", "/devices/laser1/call", {"method": "give", "args": ["wrong"]})[0] == 400
    assert ask_on(connection, "DELETE", "/devices/laser1/error") == (204, None)
    assert ask_on(connection, "GET", "/devices/laser1/error")[0] == 404
    assert ask_on(connection, "GET", "/health")[0] == 200
    connection.close()


def test_a_device_is_connected_and_disconnected_once(server, laser):
    """Also one that cannot tell whether it is: the server remembers what it did."""
    for word, is_connected in (("connect", True), ("disconnect", False)):
        status, told = ask(server, "POST", f"/devices/laser1/{word}")
        assert (status, told["connected"], told["owned_by"]) == (200, is_connected, None)
        assert ask(server, "GET", "/devices/laser1")[1]["connected"] is is_connected
        _, again = ask(server, "POST", f"/devices/laser1/{word}")
        assert again == {"device_id": "laser1", "connected": is_connected, "message": f"Device is already {word}ed"}
    assert call(server, "laser1", "connect")[0] == 200
    assert ask(server, "GET", "/devices/laser1")[1]["connected"] is True


def test_a_connection_that_fails_is_told_and_kept(server):
    """A device without the method fails like any other; the error is of the device."""
    status, told = ask(server, "POST", "/devices/daq1/connect")
    assert (status, told["error"]["type"], told["error"]["origin"]) == (400, "DeviceConnectionError", "device")
    assert ask(server, "GET", "/devices/daq1/error")[1]["error"]["context"] == {"action": "connect"}


def test_a_device_that_cannot_tell_its_state_is_listed_with_its_error(server, wait_for):
    """What it raises when it is asked whether it streams is kept as its last error; the others are told as ever."""

    class Mute(SimLaser):
        def is_connected(self):
            raise OSError("the port is gone")

        def is_streaming(self):
            raise OSError("the port is gone")

    server.add_device(attach(Mute, "mute"))

    def errors():
        status, told = ask(server, "GET", "/devices")
        assert status == 200
        return {device["device_id"]: device["last_error"] for device in told["devices"]}

    wait_for(lambda: errors()["mute"] is not None)  # a busy machine may ask it in a later listing
    assert errors()["laser1"] is None
    error = errors()["mute"]["error"]
    assert (error["type"], error["context"]) == ("OSError", {"action": "status"})


def test_devices_are_added_by_clients(server):
    """Classes that were registered are made with their parameters; anything else is refused in words."""
    server.register({"Laser": Laser})

    def add(**body):
        status, told = ask(server, "POST", "/devices", body)
        return (status, told.get("error", {}).get("type"), told)

    assert add(device_id="l2", device_type="Laser", params={"nm": 633.0}) == (
        200,
        None,
        {"device_id": "l2", "device_type": "Laser", "connected": False, "streaming": False, "owned_by": None},
    )
    assert call(server, "l2", "get_wavelength")[1]["result"] == 633.0
    assert add(device_id="l2", device_type="Laser")[:2] == (409, "DeviceExists")
    assert add(device_id="l3", device_type="Maser")[:2] == (404, "DeviceTypeNotFound")
    assert add(device_id="l3", device_type="system")[:2] == (404, "DeviceTypeNotFound")
    assert add(device_id="l3", device_type="Laser", params={"colour": "red"})[:2] == (400, "DeviceCreationError")
    assert add(device_type="Laser")[:2] == (400, "InvalidRequest")
    assert add(device_id="l3")[:2] == (400, "InvalidRequest")
    assert add(device_id="a/b", device_type="Laser")[:2] == (400, "InvalidRequest")
    assert add(device_id="l3", device_type="Laser", params=[])[:2] == (400, "InvalidRequest")
    assert len(ask(server, "GET", "/devices")[1]["devices"]) == 3


def test_devices_of_the_catalogue_are_added_by_clients(server):
    """Where that was allowed, kinds of a bench are added, connected and called; none that could run a client's code."""
    server.register(catalogue=True)
    body = {"device_id": "pc", "device_type": "system", "params": {"rate_hz": 5}}
    assert ask(server, "POST", "/devices", body)[1]["device_type"] == "system"
    assert ask(server, "POST", "/devices", body | {"device_id": "pc2", "params": {"rate_hz": -1}})[0] == 400
    for kind, params in (
        ("pymeasure", {"instrument": "subprocess.Popen", "address": "ls", "reads": ["pid"]}),
        ("qcodes", {"instrument": "subprocess.Popen", "reads": ["pid"]}),
        ("visa", {"address": "GPIB0::1::INSTR", "visa_library": "/tmp/evil.so"}),
    ):
        status, told = ask(server, "POST", "/devices", {"device_id": "evil", "device_type": kind, "params": params})
        assert (status, told["error"]["type"]) in ((404, "DeviceTypeNotFound"), (400, "DeviceCreationError"))
        assert ask(server, "GET", "/devices/evil")[0] == 404
    assert ask(server, "POST", "/devices/pc/connect")[1]["connected"] is True
    assert "start_streaming" in [one["name"] for one in ask(server, "GET", "/devices/pc/methods")[1]["methods"]]
    assert call(server, "pc", "get_latest_data")[0] == 200
    assert ask(server, "POST", "/devices/pc/disconnect")[1]["connected"] is False


def test_two_devices_of_one_id_are_an_error(server):
    """The library says so, and that an id must fit into a path."""
    with pytest.raises(ValueError, match="already exists"):
        server.add_device(Laser("laser1"))
    with pytest.raises(ValueError, match="without a slash"):
        server.add_device(Laser("laser2"), "a/b")
    server.register({"Laser": Laser}, {"Task": object})
    for again in ({"devices": {"Laser": Laser}}, {"tasks": {"Task": object}}):
        with pytest.raises(ValueError, match="already registered"):
            server.register(**again)


def test_a_taken_port_is_told(server):
    """The sentence names the port and says what to do; a server is started once, and stopped as often as one likes."""
    with pytest.raises(OSError, match=f"port {server.port} is taken"):
        DeviceServer(port=server.port).start()
    with pytest.raises(RuntimeError, match="once"):
        server.start()
    assert server.stop()
    assert server.stop()


def test_a_server_that_was_not_started_is_stopped():
    """Its devices are let go all the same; what only a server that runs can do is refused in words."""
    server = DeviceServer(port=0)
    server.add_device(StreamingDevice("idle"))
    with pytest.raises(RuntimeError, match="does not run"):
        server.start_stream("idle")
    assert server.stop()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)
    )
)
def test_any_json_object_is_read_and_anything_else_refused(value):
    """What is an object comes back as it was sent; other values are refused."""
    content = json.dumps(value).encode()
    if isinstance(value, dict):
        assert parse_body(content) == value
    else:
        with pytest.raises(RequestError):
            parse_body(content)


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(content):
    """Whatever is sent is an object or a refusal with status 400."""
    try:
        told = parse_body(content)
    except RequestError as refusal:
        told = {"status": refusal.status}
        assert told == {"status": 400}
    assert type(told) is dict
