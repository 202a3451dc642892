# SPDX-License-Identifier: BSD-3-Clause
"""probe - a client that is refused, now and then: how long each answer took, in microseconds, a line
each. python3 -m benchmark.probe ADDRESS COUNT"""
import socket
import sys
import time

PAUSE = 0.005  # seconds, in which a worker has fallen asleep
PORT = 9


def ask(address):
    with socket.socket() as client:
        client.settimeout(1)
        before = time.perf_counter()
        try:
            client.connect((address, PORT))
        except ConnectionRefusedError:
            return 1e6 * (time.perf_counter() - before)
    raise OSError(f"port {PORT} of {address} is not closed")


def main(address, count):
    ask(address)  # the first one asks for the Ethernet address, too
    for _ in range(count):
        time.sleep(PAUSE)
        print(f"{ask(address):.1f}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
