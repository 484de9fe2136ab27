"""``MontyExperimentWithLiveView``: a run of any kind that LiveView viewers see and steer."""

from __future__ import annotations

import datetime as dt
import logging
import os
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import zmq

from ..checkpoint import RunControl
from ..messages import ControlState, LogRecord, ProtocolError
from ..run_control import Command, RunState
from ..run_machine import Ask
from ..wire import Reply
from .liveview_broadcaster import ZmqBroadcaster
from .liveview_codec import MAX_COMMAND_BYTES, PREFIX, decode_command

logger = logging.getLogger("dockscope.liveview")

WAKE_MS = 200
TICK_S = 1.0
BY = "LiveView"
COMMANDS = {"abort": Command.STOP, "pause": Command.PAUSE, "resume": Command.RESUME}
WORDS = {
    RunState.RUNNING: "running",
    RunState.PAUSING: "pausing",
    RunState.PAUSED: "paused",
    RunState.RESUMING: "resuming",
    RunState.STOPPING: "aborting",
    RunState.STOPPED: "aborted",
}
OUTCOMES = {"finished": "completed", "stopped": "aborted", "error": "error"}


class MontyExperimentWithLiveView:
    """Stand in for Monty's experiment: its ``broadcaster`` publishes, its ``control`` obeys the viewer.

    The loop calls ``control.checkpoint()`` once a step: it waits while the run is paused, and is False after an abort.
    As a context manager the experiment tells how it ended.

    Args:
        config: ``zmq_port`` (5555), ``zmq_host`` (127.0.0.1), ``enable_liveview`` (True), ``run_name``,
            ``experiment_name``, ``environment_name``, ``config_path``; other entries mean nothing here.

    Attributes:
        broadcaster: see ``ZmqBroadcaster``. control: see ``dockscope.Broadcaster.control``.

    Raises:
        ValueError: an entry is wrong.
    """

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        config = config or {}
        port, host = config.get("zmq_port", 5555), config.get("zmq_host", "127.0.0.1")
        enabled = bool(config.get("enable_liveview", True))
        run_name = str(config.get("run_name") or f"run_{os.getpid()}")
        self.identity = {
            "run_name": run_name,
            "experiment_name": str(config.get("experiment_name") or run_name),
            "environment_name": str(config.get("environment_name") or ""),
            "config_path": str(config.get("config_path") or ""),
            "experiment_start_time": dt.datetime.now(dt.UTC).isoformat(),
        }
        self.broadcaster = ZmqBroadcaster(port, host, enabled=enabled)
        self.control = RunControl(self._tell)
        self._told = "initializing"
        self._error = ""
        self._over = threading.Event()
        self._listener = threading.Thread(
            target=self._listen, args=(str(host), int(port) + 1), name="liveview commands", daemon=True
        )
        self.broadcaster.publish_state(**self.identity, status=self._told, experiment_mode="train")
        if enabled:
            self._listener.start()

    def setup(self, **fields: Any) -> None:
        """Tell that the run goes on now, with what is fixed about it, such as ``max_train_steps`` or ``seed``."""
        self._told = "running"
        self.broadcaster.publish_state(**self.identity, status="running", **fields)

    def close(self, error: str = "") -> None:
        """Tell how the run ended, and free everything.

        Args:
            error: what went wrong, "" when nothing did.
        """
        self._error = error
        self.control.end("error" if error else None)
        self._over.set()
        if self._listener.ident is not None:
            self._listener.join()
        self.broadcaster.close()

    def __enter__(self) -> Self:
        self.setup()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close("" if error is None else str(error) or type(error).__name__)

    def _tell(self, event: Reply | ControlState | LogRecord) -> None:
        """Publish what became of the run; LiveView has no word for the rest."""
        if not isinstance(event, ControlState):
            return
        run = RunState(event.run)
        word = WORDS.get(run) or OUTCOMES[event.outcome or "finished"]
        if word != self._told:
            self._told = word
            failed = {"error_message": self._error} if word == "error" else {}
            self.broadcaster.publish_state(status=word, **failed)

    def _listen(self, host: str, port: int) -> None:
        """Take commands until the run is over; between them it sleeps."""
        ticked_s = time.monotonic()
        with zmq.Context() as context, context.socket(zmq.SUB) as socket:
            socket.setsockopt(zmq.LINGER, 0)
            socket.setsockopt(zmq.MAXMSGSIZE, MAX_COMMAND_BYTES)
            socket.setsockopt(zmq.IPV6, int(":" in host))
            socket.setsockopt(zmq.SUBSCRIBE, PREFIX)
            socket.connect(f"tcp://{f'[{host}]' if ':' in host else host}:{port}")
            while not self._over.is_set():
                if socket.poll(WAKE_MS):
                    self._obey(socket.recv())
                if time.monotonic() - ticked_s >= TICK_S:
                    ticked_s = time.monotonic()
                    self.control.tick()

    def _obey(self, frame: bytes) -> None:
        try:
            told = decode_command(frame)
        except ProtocolError as error:
            logger.info("a command is ignored: %s", error)
            return
        command = COMMANDS.get(told.type)
        if command is not None:
            self.control.request(Ask(os.urandom(16), command, {"reason": told.payload.get("reason")}, BY))
