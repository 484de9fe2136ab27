"""Send JSON objects of one metric from a PUB socket, as fast as it takes them; prints its address, ends with stdin."""

from __future__ import annotations

import itertools
import sys
import threading
import time

import msgspec
import zmq

HIGH_WATER_MARK = 100_000
LOOK_EVERY = 1000  # messages between two looks at the clock and at stdin
PERIOD = 10_000


def main() -> None:
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    with zmq.Context() as context, context.socket(zmq.PUB) as socket:
        socket.set_hwm(HIGH_WATER_MARK)
        socket.linger = 0
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        print(f"127.0.0.1:{port}", flush=True)
        send, encode, now = socket.send, msgspec.json.Encoder().encode, time.time
        for number in itertools.count():
            send(encode({"timestamp": now(), "loss": number % PERIOD / PERIOD}))
            if number % LOOK_EVERY == 0 and ended.is_set():
                break


if __name__ == "__main__":
    main()
