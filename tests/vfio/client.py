#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""client.py MAC: what a client of riposte sees, over IPv4 and IPv6. It runs in a network namespace
on whose link riposte is, with the Ethernet address MAC and tests/vfio/guest.conf."""
import errno
import socket
import subprocess
import sys
import time

from verdict import check, part

HOSTS = {"IPv4": ("10.9.0.1", "10.9.1.77"), "IPv6": ("fd09::1", "fd09:0:0:1::77")}
PATIENCE = 60  # where two CPUs do everything, and others want them too


def returned(call, *arguments):
    """What the call returned, or the name of its error."""
    try:
        return call(*arguments)
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))


def connected(address, port):
    connection = socket.create_connection((address, port), timeout=PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def read_all(connection):
    """What came until the end of file, or until an error, whose name follows."""
    came = b""
    while True:
        chunk = returned(connection.recv, 65536)
        if not isinstance(chunk, bytes):
            return came, chunk
        if not chunk:
            return came, "end of file"
        came += chunk


def ping(address, count):
    """How many answers came; one after another, without a pause."""
    return sum(subprocess.run(["busybox", "ping", "-c", "1", "-W", "3", address],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              check=False).returncode == 0 for _ in range(count))


def wait_for_answer(address):
    """The link may take a while to come up."""
    deadline = time.monotonic() + PATIENCE
    while ping(address, 1) == 0 and time.monotonic() < deadline:
        time.sleep(0.2)


def check_reach(family, mac):
    """ARP or neighbour discovery, and ping."""
    for address in HOSTS[family]:
        check(f"{family} ping {address}: answers to three", 3, ping(address, 3))
        neighbour = subprocess.run(["ip", "neighbour", "show", "to", address],
                                   stdout=subprocess.PIPE, text=True, check=False).stdout.split()
        came = neighbour[neighbour.index("lladdr") + 1] if "lladdr" in neighbour else neighbour
        check(f"{family} neighbour {address}", mac, came)


def check_refused(family):
    for address in HOSTS[family]:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as s:
            s.settimeout(PATIENCE)
            check(f"{family} connect to {address}, port 23, where nobody listens", "ECONNREFUSED",
                  returned(s.connect, (address, 23)))


def check_close(family):
    """A handshake, and FIN from either side."""
    address = HOSTS[family][0]
    with connected(address, 9) as s:
        s.sendall(b"good morning")
        s.shutdown(socket.SHUT_WR)
        check(f"{family} the client closes first: read", (b"", "end of file"), read_all(s))
    with connected(address, 8001) as s:
        check(f"{family} the server closes first: read", (b"", "end of file"), read_all(s))


def check_unread(family):
    """The server takes 4,096 bytes of 5,000 and closes."""
    with connected(HOSTS[family][0], 9877) as s:
        s.sendall(bytes(5000))
        check(f"{family} the server closes with unread data: read", (b"", "ECONNRESET"),
              read_all(s))


def check_echo(family):
    """Text in both directions, in segments as large as they get."""
    text = bytes(i * 7 % 251 for i in range(100000))
    with connected(HOSTS[family][0], 7) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * len(text))
        s.sendall(text)
        s.shutdown(socket.SHUT_WR)
        came, end = read_all(s)
    check(f"{family} echo: bytes, whether they are those sent, and the end",
          (len(text), True, "end of file"), (len(came), came == text, end))


def main(mac):
    for family, (address, *_) in HOSTS.items():
        wait_for_answer(address)
        with part(f"{family} reach"):
            check_reach(family, mac)
        for ask in (check_refused, check_close, check_unread, check_echo):
            with part(f"{family} {ask.__name__}"):
                ask(family)


if __name__ == "__main__":
    main(sys.argv[1])
