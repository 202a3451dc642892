#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""crowd.py: many clients of a riposte with several workers, on the host's end of the guest's cable.
The guest says when (guest.py's ask_host()): each line on stdin is something to do, and "answered"
on stdout ends it."""
import sys

from client import HOSTS, connected, ping, read_all, wait_for_answer
from verdict import check, part

COUNT = 100  # in each family
ECHO, HALF_READ = 7, 9877


class Crowd:
    def __init__(self):
        self.open = {family: [] for family in HOSTS}

    def reach(self):
        for address, *_ in HOSTS.values():
            wait_for_answer(address)
            check(f"ping {address}: answers to three", 3, ping(address, 3))

    def connect(self):
        """All stay connected; each one's text comes back to it, and no other's."""
        for family, (address, *_) in HOSTS.items():
            good = 0
            for i in range(COUNT):
                connection = connected(address, ECHO)
                self.open[family].append((connection, f"{family} {i} ".encode() * 100))
            for connection, text in self.open[family]:
                connection.sendall(text)
            for connection, text in self.open[family]:
                came = b""
                while len(came) < len(text) and (chunk := connection.recv(65536)):
                    came += chunk
                good += came == text
            check(f"{family} connections whose text came back", COUNT, good)

    def close(self):
        for family, connections in self.open.items():
            ends = {}
            for connection, _ in connections:
                connection.shutdown(1)
            for connection, _ in connections:
                end = read_all(connection)
                ends[end] = ends.get(end, 0) + 1
                connection.close()
            check(f"{family} connections closed, by what read() returned",
                  {(b"", "end of file"): COUNT}, ends)

    def reset(self):
        """Closed with unread data."""
        for family, (address, *_) in HOSTS.items():
            ends = {}
            for _ in range(COUNT):
                with connected(address, HALF_READ) as connection:
                    connection.sendall(bytes(5000))
                    end = read_all(connection)
                    ends[end] = ends.get(end, 0) + 1
            check(f"{family} connections reset, by what read() returned",
                  {(b"", "ECONNRESET"): COUNT}, ends)


def main():
    crowd = Crowd()
    for line in sys.stdin:
        with part(line.strip()):
            getattr(crowd, line.strip())()
        print("answered", flush=True)


if __name__ == "__main__":
    main()
