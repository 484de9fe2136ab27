"""What a dialect tells while it is connected: its findings become the same messages that the native wire brings."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from ..link_health import LinkHealth
from ..link_trouble import Trouble
from ..messages import KIND_OF, ControlState, Hello, Message, ProtocolError
from ..run_control import RunState
from ..wire import DataMessage
from .base import Sink

logger = logging.getLogger("dockscope.dialects")

NO_SUBSCRIPTION = b""


class Reception:
    """Take what a dialect reads to the sink, under the key of its source.

    Args:
        sink: where it goes. key: how the sink knows the source. where: host and port, for sentences.
        health: decides the link state. on_change: is called when that may have changed.
        on_up: is called when the other side answers.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        key: str,
        where: str,
        health: LinkHealth,
        on_change: Callable[[], None],
        on_up: Callable[[], None],
    ) -> None:
        self.where = where
        self._sink, self._key, self._health = sink, key, health
        self._on_change, self._on_up = on_change, on_up
        self._hello: Hello | None = None

    @property
    def is_up(self) -> bool:
        """Tell whether the other side has answered and is still connected."""
        return self._health.connected

    @property
    def hello(self) -> Hello | None:
        """What was last told of who the other side is."""
        return self._hello

    def up(self, hello: Hello) -> None:
        """Tell that the other side answers, and who it is; another producer id than before is a new run.

        After an interruption curves are broken, as nobody knows what was missed. Without one it is only news of who
        is there.
        """
        again = not self.is_up and self._hello is not None and self._hello.producer == hello.producer
        self._hello = hello
        self._sink.greet(self._key, hello, hello.role)
        self._sink.caught_up(self._key)  # nothing is retained for late viewers
        if again:
            self._sink.gap(self._key)
        self._health.told_run(ended=False)  # until it says so again
        self._health.greeted()
        self._on_up()

    def down(self) -> None:
        """Tell that the connection is gone."""
        self._health.disconnected()
        self._on_change()

    def gap(self, topic: str = "") -> None:
        """Tell that something may be missing here: in the curves of a topic, or in all."""
        self._sink.gap(self._key, topic)

    def heard(self) -> None:
        """Tell that something arrived."""
        self._health.heard()

    def receive(self, message: Message, stream: str = "", *, nbytes: int = 0, n: int = 0) -> None:
        """Deliver a message; what breaks there harms no other message.

        Args:
            message: of any kind. stream: its name, for the kinds that have streams.
            nbytes: its size as received. n: its number in its stream from 1, where the other side counts; else 0.
        """
        kind = KIND_OF[type(message)]
        if isinstance(message, ControlState):
            self._health.told_run(message.run == RunState.ENDED.value)
        try:
            self._sink.receive(
                self._key, DataMessage(kind, stream, n, time.time_ns(), NO_SUBSCRIPTION, nbytes, message)
            )
        except ProtocolError as error:
            self.bad_message(error)
        except Exception as error:  # a fault of ours must not end the link
            logger.exception("%s: a message of kind %s could not be stored", self.where, kind.value)
            self.trouble(Trouble.INTERNAL, type(error).__name__)

    def bad_message(self, error: ProtocolError) -> None:
        """Tell that a message was refused; the next ones are read all the same."""
        self.trouble(Trouble.BAD_MESSAGE, str(error))

    def trouble(self, trouble: Trouble, detail: str = "") -> None:
        """Tell a trouble that native links know too."""
        self.problem(trouble.cause, trouble.sentence(self.where, detail))

    def problem(self, cause: str, sentence: str) -> None:
        """Tell a trouble: a short name for its cause, and at most 140 characters for a person."""
        self._sink.problem(self._key, cause, sentence)
