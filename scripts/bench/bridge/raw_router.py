"""The reference: a ROUTER of pyzmq and nothing around it. Prints its endpoint's address when it listens.

Messages: [b"ping"], [b"up", payload], [b"down", decimal size]; each is answered by one message.
"""

import os
import sys
import threading

import numpy
import zmq

PAGE = 4096


def main() -> None:
    router = zmq.Context().socket(zmq.ROUTER)
    router.linger = 0
    router.bind(sys.argv[1])
    print("listening", flush=True)
    threading.Thread(target=exit_with_parent, daemon=True).start()
    prepared: dict[int, bytes] = {}
    while True:
        identity, name, *payload = router.recv_multipart(copy=False)
        if name.bytes == b"up":
            data = numpy.frombuffer(payload[0].buffer, "uint8")
            answer = [b"%d %d" % (data.size, int(data[::PAGE].sum()))]
        elif name.bytes == b"down":
            size = int(payload[0].bytes)
            if size not in prepared:
                prepared[size] = b"\1" * size
            answer = [b"down", prepared[size]]
        else:
            answer = [b"pong"]
        del payload
        router.send_multipart([identity, *answer], copy=False)


def exit_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
