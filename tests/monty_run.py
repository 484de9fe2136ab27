"""A run as Monty makes one: ``python monty_run.py PORT NAME [silent] [deaf] [replay]``.

It publishes as the real one does, obeys ``abort`` at its next step and ignores other commands, printing each. When its
stdin closes it has completed. silent: no message has a run name. deaf: it takes no commands. replay: the capture, once.
"""

from __future__ import annotations

import json
import sys
import threading
import time

import zmq

from monty import captured


def main() -> None:
    port, name, words = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    with zmq.Context() as context, context.socket(zmq.PUB) as publisher, context.socket(zmq.SUB) as commands:
        publisher.setsockopt(zmq.LINGER, 1000)
        publisher.connect(f"tcp://127.0.0.1:{port}")
        commands.setsockopt(zmq.LINGER, 0)
        if "deaf" not in words:
            commands.subscribe(b"cmd:")
            commands.connect(f"tcp://127.0.0.1:{port + 1}")
        time.sleep(0.2)
        if "replay" in words:
            for message in captured():
                publisher.send(message)
            over.wait()
            return
        named = {} if "silent" in words else {"run_name": name, "experiment_name": name}

        def state(**fields: object) -> None:
            publisher.send_string(json.dumps({"type": "state", **fields}))

        if named:
            state(**named, status="initializing", experiment_mode="train")
        state(**named, status="running")
        step, status = 0, "completed"
        while not over.is_set():
            if commands.poll(5):
                _, _, body = commands.recv_string().partition(" ")
                command = json.loads(body)
                print(json.dumps(command), flush=True)
                if command["type"] == "abort":
                    status = "aborted"
                    break
            state(current_step=step)
            metric = {"type": "metric", "name": "loss", "value": 1.0 / (step + 1), "step": step}
            publisher.send_string(json.dumps(metric))
            step += 1
        state(status=status)
        state(total_train_steps=step)


if __name__ == "__main__":
    main()
