# SPDX-License-Identifier: BSD-3-Clause
"""listen - a socket of the kernel's that listens, and nobody who accepts: who only ever sends a SYN needs
no more. python3 -m benchmark.listen ADDRESS PORT BACKLOG"""
import signal
import socket
import sys


def main(address, port, backlog):
    with socket.create_server((address, port), backlog=backlog):
        print("listening", flush=True)
        signal.pause()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
