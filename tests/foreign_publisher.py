"""A publisher in a process of its own: ``python foreign_publisher.py bind|connect ENDPOINT FORM``.

It prints its endpoint, then publishes one message every 5 ms, counting from 0, until its stdin closes. Forms: json,
msgpack, cbor, topic (one frame ``topic payload``), two (topic + payload), three (topic + payload + time), numbers.
"""

from __future__ import annotations

import json
import sys
import threading
import time

import cbor2
import msgpack
import zmq


def frames_of(form: str, index: int) -> list[bytes]:
    value = {"loss": 1.0 / (index + 1), "step": index, "imu": {"x": index, "ok": True}, "state": "run"}
    encoded = json.dumps(value).encode()
    return {
        "json": [encoded],
        "msgpack": [bytes(msgpack.packb(value) or b"")],
        "cbor": [cbor2.dumps(value)],
        "topic": [b"robot " + encoded],
        "two": [b"robot", encoded],
        "three": [b"robot", encoded, str(1_700_000_000 + index).encode()],
        "numbers": [json.dumps({"loss": 1.0 / (index + 1), "step": index}).encode()],
    }[form]


def main() -> None:
    way, endpoint, form = sys.argv[1:4]
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    with zmq.Context() as context, context.socket(zmq.PUB) as socket:
        socket.linger = 0
        (socket.bind if way == "bind" else socket.connect)(endpoint)
        print(socket.getsockopt_string(zmq.LAST_ENDPOINT), flush=True)
        index = 0
        while not ended.is_set():
            socket.send_multipart(frames_of(form, index))
            index += 1
            time.sleep(0.005)


if __name__ == "__main__":
    main()
