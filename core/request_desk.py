"""Answer what viewers ask: greet them, subscribe them, count their credit, and hand commands to the run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from .access import OBSERVE, OPERATE
from .complaints import Complaints
from .history import History
from .messages import Hello, ProtocolError
from .publisher import Publisher
from .request_ledger import RequestLedger
from .run_control import Command
from .run_machine import Ask
from .subscription import Subscription
from .wire import (
    HELLO_FIRST,
    MAX_REQUEST_BYTES,
    NO_ID,
    VERSION,
    Reply,
    Request,
    SubscribeArgs,
    UnknownVersion,
    decode_request,
    encode_reply,
    hello_result,
)
from .wire_envelope import read_envelope
from .wire_hello import HelloArgs, hello_args

SILENT_S = 60.0
MAX_VIEWERS = 1024
MAX_STREAMS_TOLD = 16_384
ID_BYTES = 16
COMMANDS = {command.value: command for command in Command}
DATA_LINK, COMMAND_LINK = b"d", b"c"


class Tokens(Protocol):
    """Whoever knows which role a token earns."""

    def role(self, token: bytes | None) -> str:
        """Give "observe" or "operate"."""
        ...


class Viewer(msgspec.Struct):
    """Someone who greeted us: who it says it is, what it may do, when it was last heard (monotonic seconds)."""

    told: HelloArgs
    role: str
    heard: float

    @property
    def by(self) -> str:
        """Name and host, as logs and run states tell it."""
        return f"{self.told.name or 'someone'}@{self.told.host or 'somewhere'}"


class RequestDesk:
    """The producer's answers, one request at a time; only the I/O thread calls it.

    Args:
        hello: what the producer tells of itself; clock, streams and role are filled in for each viewer.
        tokens: decides roles.
        publisher: holds the subscriptions. history: what they read.
        control: takes commands. send: hands frames to a routing id; False when it is gone.
        complaints: takes note of what is not the protocol.
    """

    def __init__(
        self,
        *,
        hello: Hello,
        tokens: Tokens,
        publisher: Publisher,
        history: History,
        control: Callable[[Ask], None],
        send: Callable[[bytes, list[Any]], bool],
        complaints: Complaints,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hello = hello
        self._tokens = tokens
        self._publisher = publisher
        self._history = history
        self._control = control
        self._send = send
        self._complaints = complaints
        self._clock = clock
        self._ledger = RequestLedger()
        self._viewers: dict[bytes, Viewer] = {}

    def handle(self, frames: list[Any]) -> None:
        """Take one received message, whatever it is."""
        routing_id = bytes(frames[0])
        try:
            if len(frames) > 1:
                read_envelope(frames[1], MAX_REQUEST_BYTES)  # another version may have other rules from here on
            if len(frames) != 2 or len(routing_id) != ID_BYTES + 1 or routing_id[-1:] not in (DATA_LINK, COMMAND_LINK):
                raise ProtocolError("not a viewer's routing id and one frame")
            self._dispatch(routing_id, decode_request(frames[1]))
        except UnknownVersion as error:
            reason = f"speaks {VERSION}, you speak {error.version}"
            self._send(routing_id, [encode_reply(Reply(NO_ID, "rejected", reason))])
        except ProtocolError as error:
            self._complaints.complain("request", f"A message that is no request was ignored: {error}")

    def _dispatch(self, routing_id: bytes, request: Request) -> None:
        viewer = self._viewers.get(routing_id[:ID_BYTES])
        if viewer is not None:
            viewer.heard = self._clock()
        if request.command == "hello":
            self._greet(routing_id, request)
        elif request.command == "bye":
            self.forget(routing_id[:ID_BYTES])
        elif request.producer != self._hello.producer:
            self._reject(routing_id, request, "the producer was restarted")
        elif request.command == "credit":
            self._give_credit(routing_id, request)
        elif viewer is None:
            self._reject(routing_id, request, HELLO_FIRST)
        elif request.command == "ping":
            self._pong(routing_id, request)
        else:
            self._take_once(routing_id, request, viewer)

    def _greet(self, routing_id: bytes, request: Request) -> None:
        told = hello_args(request.args)
        viewer_id = routing_id[:ID_BYTES]
        if told.viewer != viewer_id or routing_id[-1:] != COMMAND_LINK:
            self._reject(routing_id, request, "hello belongs on the command link, with the viewer id it is named by")
            return
        if viewer_id not in self._viewers and len(self._viewers) >= MAX_VIEWERS:
            self._reject(routing_id, request, f"more than {MAX_VIEWERS} viewers")
            return
        role = self._tokens.role(request.token)
        self._viewers[viewer_id] = Viewer(told, role, self._clock())
        streams = tuple((kind.value, stream) for kind, stream in list(self._history.streams)[:MAX_STREAMS_TOLD])
        if self._history.metrics.series:
            streams += (("metric", ""),)
        hello = msgspec.structs.replace(self._hello, clock_ns=time.time_ns(), streams=streams, role=role)
        self._reply(routing_id, Reply(request.id, "effective", "", hello_result(hello)))

    def _pong(self, routing_id: bytes, request: Request) -> None:
        sent_ns = request.args.get("sent_ns")
        result = {"sent_ns": sent_ns if type(sent_ns) is int else 0, "clock_ns": time.time_ns()}
        self._reply(routing_id, Reply(request.id, "effective", "", result))

    def _give_credit(self, routing_id: bytes, request: Request) -> None:
        subscription = self._publisher.subscriptions.get(routing_id[:ID_BYTES])
        if subscription is None or subscription.id != request.args[0]:
            self._reject(routing_id, request, "subscribe first")
            return
        subscription.credit = min(subscription.credit + request.args[1], 2**62)
        self.pump(routing_id[:ID_BYTES])

    def _take_once(self, routing_id: bytes, request: Request, viewer: Viewer) -> None:
        """Carry out a request that has an effect, unless it was made before."""
        earlier = self._ledger.open(routing_id, request.id)
        if earlier is not None:
            for reply in earlier:
                self._reply(routing_id, reply)
            return
        if request.command == "subscribe":
            self._subscribe(routing_id, request)
        elif request.command in COMMANDS:
            self._command(request, viewer)
        else:
            self.answer(Reply(request.id, "rejected", f"unknown command {request.command[:40]!r}"))

    def _command(self, request: Request, viewer: Viewer) -> None:
        if self._tokens.role(request.token) == OPERATE:
            viewer.role = OPERATE
        if viewer.role == OBSERVE:
            self.answer(Reply(request.id, "rejected", "observe only: you gave no token that allows to operate"))
            return
        self._control(Ask(request.id, COMMANDS[request.command], request.args, viewer.by))

    def _subscribe(self, routing_id: bytes, request: Request) -> None:
        if routing_id[-1:] != DATA_LINK:
            self.answer(Reply(request.id, "rejected", "subscribe belongs on the data link"))
            return

        def send(frames: list[Any]) -> bool:
            return self._send(routing_id, frames)

        args = SubscribeArgs(**request.args)
        subscription = Subscription(request.id, args, self._history, send, time.time_ns)
        self._publisher.subscriptions[routing_id[:ID_BYTES]] = subscription
        self.pump(routing_id[:ID_BYTES])

    # -- towards the viewers -----------------------------------------------------------------------------------

    def pump(self, viewer_id: bytes) -> None:
        """Send a viewer what waits for it, and tell it when its history is complete."""
        subscription = self._publisher.subscriptions[viewer_id]
        if subscription.pump():
            done = Reply(subscription.id, "effective")
            self._ledger.answer(done)
            self._reply(viewer_id + DATA_LINK, done)
        if subscription.gone:
            del self._publisher.subscriptions[viewer_id]

    def pump_all(self) -> None:
        """Send every viewer what waits for it."""
        for viewer_id in list(self._publisher.subscriptions):
            self.pump(viewer_id)

    def answer(self, reply: Reply) -> None:
        """Send a stage of the answer to a request that was made before."""
        routing_id = self._ledger.answer(reply)
        if routing_id is not None:
            self._reply(routing_id, reply)

    def _reject(self, routing_id: bytes, request: Request, reason: str) -> None:
        self._reply(routing_id, Reply(request.id, "rejected", reason))

    def _reply(self, routing_id: bytes, reply: Reply) -> None:
        frame = encode_reply(reply)
        if len(frame) > MAX_REQUEST_BYTES:
            frame = encode_reply(Reply(reply.id, reply.stage, reply.reason))
        self._send(routing_id, [frame])

    def forget(self, viewer_id: bytes) -> None:
        """Drop a viewer and what it waits for."""
        self._viewers.pop(viewer_id, None)
        self._publisher.subscriptions.pop(viewer_id, None)

    def forget_silent(self) -> None:
        """Drop viewers that were silent on both links for a minute."""
        before = self._clock() - SILENT_S
        for viewer_id in [viewer_id for viewer_id, viewer in self._viewers.items() if viewer.heard < before]:
            self.forget(viewer_id)
