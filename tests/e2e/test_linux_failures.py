# SPDX-License-Identifier: BSD-3-Clause
"""What a Linux client's program sees when a server fails in each way: the table of failures in
design.md (its numbers are in the tests' names), IPv4 and IPv6, without and with VLANs. Where time
matters a test asks for no less than was configured, and never for haste."""
import errno
import fcntl
import select
import socket
import struct
import termios
import time

import pytest

HOST = 'host { owns = { "10.9.0.1", "fd09::1" } connections = 10000 }\n'
LISTENERS = {
    "slow_syn_ack": (2, '{ "accept", "read all", "close" }', 'syn_ack_delay = "400ms"'),
    "impatient": (3, '{ "accept", "timeout 100ms", "read", "close" }', ""),
    "half_read": (4, '{ "accept", "read 4096", "close" }', ""),
    "abort": (5, '{ "accept", "sleep 50ms", "linger 0", "close" }', ""),
    "abort_at_once": (6, '{ "accept", "linger 0", "close" }', ""),
    "close": (7, '{ "accept", "close" }', ""),
    "unread": (8, '{ "accept", "sleep 300ms", "close" }', ""),
    "half_close": (10, '{ "accept", "shutdown", "read all", "close" }', ""),
    "never_accepts": (11, "{}", "backlog = 3"),
    "hang": (12, '{ "accept", "hang" }', ""),
    "wakes_up": (13, '{ "accept", "sleep 1s", "read all", "close" }', ""),
    "polite": (14, '{ "accept", "read all", "close" }', ""),
    "exit": (15, '{ "accept", "read 3" }', ""),
}
CONF = HOST + "".join(
    f'listener "{name}" {{ ports = {{ "{port}" }} script = {script} {more} }}\n'
    for name, (port, script, more) in LISTENERS.items())
PORT = {name: port for name, (port, _, _) in LISTENERS.items()}
CLOSED = 9
CABLES = {"cable": (), "vlan": (5,), "two_vlans": (7, 5)}


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


def test_1_closed_port_is_econnrefused(lab, family):
    with lab.socket(family) as client:
        assert name(error_of(lab.connect_to, client, CLOSED)) == "ECONNREFUSED"


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


def test_2b_server_tires_of_reading(lab, family):
    start = time.monotonic()
    with lab.connect(PORT["impatient"], family) as client:
        assert client.recv(1) == b""
        assert time.monotonic() - start >= 0.09
        client.send(b"late")
        wait_for(lambda: error_of(client.send, b"more") == errno.EPIPE)


def test_3_half_read_is_econnreset(lab, family):
    with lab.connect(PORT["half_read"], family) as client:
        client.sendall(bytes(5000))
        assert name(error_of(client.recv, 1)) == "ECONNRESET"


def test_3_all_read_is_end_of_file(lab, family):
    with lab.connect(PORT["half_read"], family) as client:
        client.sendall(bytes(4096))
        assert client.recv(1) == b""


def test_3b_abort_read_is_econnreset(lab, family):
    with lab.connect(PORT["abort"], family) as client:
        assert name(error_of(client.recv, 1)) == "ECONNRESET"


def test_3b_abort_write_is_econnreset_then_epipe(lab, family):
    with lab.connect(PORT["abort"], family) as client:
        poll = select.poll()
        poll.register(client, select.POLLIN)
        assert poll.poll(20000)[0][1] & select.POLLHUP
        assert name(error_of(client.send, b"x")) == "ECONNRESET"
        assert name(error_of(client.send, b"x")) == "EPIPE"


def test_3b_abort_at_once(lab, family):
    """So quick that even connect may see it."""
    client = lab.socket(family)
    seen = error_of(lab.connect_to, client, PORT["abort_at_once"]) or error_of(client.recv, 1)
    client.close()
    assert name(seen) == "ECONNRESET"


def test_4_close_reads_end_of_file(lab, family):
    with lab.connect(PORT["close"], family) as client:
        poll = select.poll()
        poll.register(client, select.POLLIN)
        assert poll.poll(20000)[0][1] & select.POLLIN
        assert client.recv(1) == b""


def test_4_close_and_the_client_writes_on(lab, family):
    """The first write goes out, the RST it draws makes the second fail; read still says 0."""
    with lab.connect(PORT["close"], family) as client:
        assert client.recv(1) == b""
        assert client.send(b"x") == 1
        wait_for(lambda: error_of(client.send, b"x") == errno.EPIPE)
        assert client.recv(1) == b""


def test_4a_close_with_unread_data_is_econnreset(lab, family):
    with lab.connect(PORT["unread"], family) as client:
        client.sendall(b"never read")
        poll = select.poll()
        poll.register(client, select.POLLIN)
        assert poll.poll(20000)[0][1] & select.POLLIN
        assert name(error_of(client.recv, 1)) == "ECONNRESET"


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


def test_7_hang_fills_the_window_and_probes_are_answered(lab, family):
    with lab.connect(PORT["hang"], family) as client, lab.raw() as wire:
        client.setblocking(False)
        sent = 0
        while select.select([], [client], [], 1)[1]:
            sent += client.send(bytes(4096))
        # The socket is writable only while a third of its buffer is free: fill that too.
        with pytest.raises(BlockingIOError):
            while True:
                sent += client.send(bytes(4096))
        # So much was acknowledged, and nothing more will be: what the receive buffer holds.
        wait_for(lambda: sent - unsent(client) == 65535)
        client_port = client.getsockname()[1]
        for _ in range(2):
            assert wire.wait(lambda f: zero_window(f, family, PORT["hang"], client_port))
        assert name(error_of(client.send, bytes(4096))) == "EAGAIN"
        assert sent - unsent(client) == 65535


def zero_window(frame, family, source, target):
    """Is it an ACK of that connection that leaves no window?"""
    at = 34 if family == 4 else 54
    return (frame[12:14] == (b"\x08\x00" if family == 4 else b"\x86\xdd") and
            len(frame) >= at + 20 and
            struct.unpack_from("!HH", frame, at) == (source, target) and
            frame[at + 13] & 0x17 == 0x10 and frame[at + 14:at + 16] == b"\0\0")


def test_7_an_application_that_wakes_up_gets_everything(lab, family):
    """The window opens again, the client's 300,000 bytes arrive and the end is orderly."""
    with lab.connect(PORT["wakes_up"], family, timeout=60) as client:
        client.sendall(bytes(300000))
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
        assert unsent(client) <= 1


def test_8_a_reset_ends_it_without_an_answer(lab, family):
    client = lab.connect(PORT["hang"], family)
    port = client.getsockname()[1]
    client.sendall(bytes(1000))
    wait_for(lambda: unsent(client) == 0)
    with lab.raw() as wire:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        at = 34 if family == 4 else 54
        ports = struct.pack("!HH", PORT["hang"], port)
        assert wire.wait(lambda f: f[at:at + 4] == ports, 0.5) is None


def test_9_client_closes_first(lab, family):
    with lab.connect(PORT["polite"], family) as client:
        client.sendall(b"so long")
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
        assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def test_9_server_closes_first(lab, family):
    client = lab.connect(PORT["close"], family)
    assert client.recv(1) == b""
    client.shutdown(socket.SHUT_WR)
    assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    client.close()


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
