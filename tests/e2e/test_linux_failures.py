# SPDX-License-Identifier: BSD-3-Clause
"""What a Linux client's program sees when a server fails: beside the rows of design.md's table of
failures themselves (test_failures_rows.py) what is to be said of some of them (their numbers are in
the tests' names), IPv4 and IPv6, without and with VLANs. Where time matters a test asks for no less
than was configured, and never for haste."""
import errno
import fcntl
import select
import socket
import struct
import termios
import time

import pytest

from lab import CABLES

HOST = 'host { owns = { "10.9.0.1", "fd09::1" } connections = 10000 }\n'
LISTENERS = {
    "slow_syn_ack": (2, '{ "accept", "read all", "close" }', 'syn_ack_delay = "400ms"'),
    "half_read": (4, '{ "accept", "read 4096", "close" }', ""),
    "abort_at_once": (6, '{ "accept", "linger 0", "close" }', ""),
    "half_close": (10, '{ "accept", "shutdown", "read all", "close" }', ""),
    "never_accepts": (11, "{}", "backlog = 3"),
    "wakes_up": (13, '{ "accept", "sleep 1s", "read all", "close" }', ""),
    "exit": (15, '{ "accept", "read 3" }', ""),
}
CONF = HOST + "".join(
    f'listener "{name}" {{ ports = {{ "{port}" }} script = {script} {more} }}\n'
    for name, (port, script, more) in LISTENERS.items())
PORT = {name: port for name, (port, _, _) in LISTENERS.items()}
CLOSED = 9


@pytest.fixture(scope="module", params=CABLES)
def lab(request, make_lab):
    return make_lab(CONF, tags=CABLES[request.param])


@pytest.fixture(params=(4, 6), ids=("ip4", "ip6"))
def family(request):
    return request.param


def error_of(call, *args):
    """The errno that a call fails with, 0 if it does not."""
    try:
        call(*args)
    except OSError as error:
        return error.errno
    return 0


def name(number):
    return errno.errorcode.get(number, number)


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def unsent(sock):
    """Bytes in the socket that the peer has not acknowledged."""
    return struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)))[0]


def test_1_closed_port_on_every_kind_of_socket(lab, family):
    """Non-blocking: EINPROGRESS, then the error is waiting."""
    with lab.socket(family) as client:
        client.setblocking(False)
        assert name(error_of(lab.connect_to, client, CLOSED)) in ("EINPROGRESS", "ECONNREFUSED")
        poll = select.poll()
        poll.register(client, select.POLLOUT)
        assert poll.poll(20000)
        assert name(client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)) in ("ECONNREFUSED", 0)


def test_2_slow_syn_ack_is_waited_for(lab, family):
    start = time.monotonic()
    with lab.connect(PORT["slow_syn_ack"], family):
        assert time.monotonic() - start >= 0.39


def test_2_slow_syn_ack_client_gives_up(lab, family):
    """Its kernel resets what comes too late; a new connection is as good as ever."""
    client = lab.socket(family, timeout=0.1)
    with pytest.raises(TimeoutError):
        lab.connect_to(client, PORT["slow_syn_ack"])
    client.close()
    time.sleep(0.6)
    with lab.connect(PORT["slow_syn_ack"], family) as again:
        again.shutdown(socket.SHUT_WR)
        assert again.recv(1) == b""


def test_3_all_read_is_end_of_file(lab, family):
    with lab.connect(PORT["half_read"], family) as client:
        client.sendall(bytes(4096))
        assert client.recv(1) == b""


def test_3b_abort_at_once(lab, family):
    """So quick that even connect may see it."""
    client = lab.socket(family)
    seen = error_of(lab.connect_to, client, PORT["abort_at_once"]) or error_of(client.recv, 1)
    client.close()
    assert name(seen) == "ECONNRESET"


def test_4b_half_close(lab, family):
    with lab.connect(PORT["half_close"], family) as client:
        assert client.recv(1) == b""
        for _ in range(50):
            client.sendall(bytes(2000))
        wait_for(lambda: unsent(client) == 0)
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
        assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def test_7_backlog_is_exact(lab, family):
    """Three wait in the queue, the fourth gets nothing. The queue is full ever after."""
    if (waiting := lab.__dict__.setdefault("waiting", [])) == []:
        waiting += [lab.connect(PORT["never_accepts"], family) for _ in range(3)]
    with lab.socket(family, timeout=1.5) as client, pytest.raises(TimeoutError):
        lab.connect_to(client, PORT["never_accepts"])
    for queued in waiting:
        queued.send(b"x")
        wait_for(lambda q=queued: unsent(q) == 0)


def test_7_an_application_that_wakes_up_gets_everything(lab, family):
    """The window opens again, the client's 300,000 bytes arrive and the end is orderly."""
    with lab.connect(PORT["wakes_up"], family, timeout=60) as client:
        client.sendall(bytes(300000))
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
        assert unsent(client) <= 1


def test_a_process_that_ends_closes(lab, family):
    with lab.connect(PORT["exit"], family) as client:
        client.sendall(b"abc")
        assert client.recv(1) == b""
    with lab.connect(PORT["exit"], family) as client:
        client.sendall(b"abcd")
        assert name(error_of(client.recv, 1)) == "ECONNRESET"


def test_ping(lab, family):
    assert " 0% packet loss" in lab.run(
        "ping", f"-{family}", "-c", "3", "-i", "0.2", "10.9.0.1" if family == 4 else "fd09::1")
