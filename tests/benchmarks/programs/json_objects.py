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
PREPARED = 10_000


def main() -> None:
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    with zmq.Context() as context, context.socket(zmq.PUB) as socket:
        socket.set_hwm(HIGH_WATER_MARK)
        socket.linger = 0
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        print(f"127.0.0.1:{port}", flush=True)
        start_s = time.time()
        objects = [
            msgspec.json.encode({"timestamp": start_s + i * 1e-6, "loss": i / PREPARED}) for i in range(PREPARED)
        ]
        for number, message in enumerate(itertools.cycle(objects)):
            socket.send(message)
            if number % LOOK_EVERY == 0 and ended.is_set():
                break


if __name__ == "__main__":
    main()
