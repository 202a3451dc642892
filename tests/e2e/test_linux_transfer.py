# SPDX-License-Identifier: BSD-3-Clause
"""Text from riposte to real programs: curl fetches a file and a client gets its echo over a cable
that delays, loses, doubles and reorders; wrk gets its answers; an echo that nobody reads closes its
window."""
import fcntl
import hashlib
import random
import re
import socket
import struct
import termios
import threading

import pytest

from lab import SERVER
from segments import Wire, wait_for

# wrk leaves tens of thousands of connections in TIME-WAIT.
HOST = 'host { owns = { "10.9.0.1", "fd09::1" } connections = 300000 }\n'
SIZE = 10 << 20
ROUGH = (5, 2, 1, 5, 20261125)  # ms; % lost, doubled, reordered; both ways
FILE, ECHO = 80, 7


def answer(*headers, text=""):
    return "write \"" + "\r\n".join(["HTTP/1.1 200 OK", *headers, "", text]) + '"'


def listener(port, *calls, more=""):
    quoted = ", ".join('"' + call.replace('"', '\\"').replace("\r\n", "\\r\\n") + '"'
                       for call in calls)
    return f'listener "{port}" {{ ports = {{ "{port}" }} script = {{ {quoted} }} {more} }}\n'


@pytest.fixture(params=(4, 6), ids=("ip4", "ip6"))
def family(request):
    return request.param


def url(family, port, host=SERVER):
    return f"http://{host[4]}:{port}/" if family == 4 else f"http://[{host[6]}]:{port}/"


@pytest.fixture(scope="module")
def blob():
    """Bytes of which no two stretches are alike."""
    return random.Random(1).randbytes(SIZE)


@pytest.fixture(scope="module")
def rough(make_lab, directory, blob):
    (directory / "lab1").mkdir(parents=True, exist_ok=True)
    (directory / "lab1" / "blob").write_bytes(blob)
    return make_lab(
        HOST + listener(FILE, "accept", "read", answer(f"Content-Length: {SIZE}"), "write @blob",
                        "close") + listener(ECHO, "accept", "echo", "close"), rough=ROUGH)


def test_curl_fetches_a_file_over_a_rough_cable(rough, family, directory, blob):
    fetched = directory / f"fetched{family}"
    rough.run("curl", "--silent", "--show-error", "--globoff", "--noproxy", "*",
              "--max-time", "500", "--output", str(fetched), url(family, FILE), timeout=510)
    assert fetched.stat().st_size == SIZE
    assert hashlib.sha256(fetched.read_bytes()).digest() == hashlib.sha256(blob).digest()


def test_echo_over_a_rough_cable(rough, family, blob):
    text = blob[:1 << 20]
    with rough.connect(ECHO, family, timeout=300) as client:
        assert exchange(client, text) == text


def exchange(client, text):
    """Sends text and a FIN, reads to the end meanwhile."""
    def send():
        client.sendall(text)
        client.shutdown(socket.SHUT_WR)
    sender = threading.Thread(target=send)
    sender.start()
    received = to_the_end(client)
    sender.join()
    return received


def to_the_end(client):
    received = bytearray()
    while more := client.recv(65536):
        received += more
    return bytes(received)


HELLO = answer("Content-Length: 5", text="hello")
LAST_HELLO = answer("Content-Length: 5", "Connection: close", text="hello")
# What an HTTP client sees of a server that closes after each answer, and of one after a hundred.
WRK = {81: ("accept", "read", LAST_HELLO, "close"),
       82: ("accept", *("read", HELLO) * 99, "read", LAST_HELLO, "close")}


@pytest.fixture(scope="module")
def smooth(make_lab):
    return make_lab(HOST + "".join(listener(port, *calls, more="backlog = 1000")
                                   for port, calls in WRK.items()))


@pytest.mark.parametrize("port", WRK, ids=("close", "keep_alive"))
def test_wrk_gets_its_answers(smooth, family, port):
    said = smooth.run("wrk", "--threads", "1", "--connections", "20", "--duration", "3s",
                      "--timeout", "60s", url(family, port), timeout=120)
    assert "Socket errors" not in said and "Non-2xx" not in said, said
    assert int(re.search(r"([0-9]+) requests in ", said)[1]) > 0, said


SEND_BUFFER, RECEIVE_BUFFER = 40000, 30000


@pytest.fixture(scope="module")
def narrow(make_lab):
    return make_lab(HOST + listener(
        ECHO, "accept", "echo", "close",
        more=f'send_buffer = {SEND_BUFFER} receive_buffer = {RECEIVE_BUFFER}'))


def unread(client):
    """Bytes that have come and wait to be read."""
    return struct.unpack("i", fcntl.ioctl(client, termios.FIONREAD, bytes(4)))[0]


def unsent(client):
    """Bytes that the server has not acknowledged."""
    return struct.unpack("i", fcntl.ioctl(client, termios.TIOCOUTQ, bytes(4)))[0]


def test_echo_that_nobody_reads_closes_its_window(narrow, family):
    """riposte holds what its send and its receive buffer hold, and everything comes back."""
    text = random.Random(2).randbytes(600000)
    with narrow.socket(family) as client, Wire(narrow.client, "c0") as wire:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 21)
        narrow.connect_to(client, ECHO)
        client.sendall(text)
        port = client.getsockname()[1]

        def closed():
            wire.look()
            theirs = [one for one in wire.connection(port, ECHO) if not one.from_client]
            return theirs[-1].window == 0 and len(text) - unsent(client)

        acknowledged = wait_for(closed, "riposte closes its window")
        assert SEND_BUFFER <= acknowledged - unread(client) <= SEND_BUFFER + RECEIVE_BUFFER
        client.settimeout(300)
        client.shutdown(socket.SHUT_WR)
        assert to_the_end(client) == text
