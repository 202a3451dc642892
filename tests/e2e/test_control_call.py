# SPDX-License-Identifier: BSD-3-Clause
"""ripostectl call on the real program: the application of one connection is driven by hand, and a Linux
client sees what such an application does."""
import contextlib
import socket
import time

import pytest

from control import Control, end, error_of, unsent, wait_for
from talk import Talk

CONF = """
host { owns = { "10.9.0.1", "10.9.1.0/24", "fd09::1", "fd09::1:0/112" } connections = 1000
       msl = "100ms" }
listener "hang" { ports = { "80", "8000-8009" } script = { "accept", "hang" } }
listener "never" { ports = 81 script = {} backlog = 5 }
listener "reader" { ports = 82 script = { "accept", "read 100", 'write "done"', "hang" } }
listener "closed" { ports = 83 script = { "accept", "close" } }
"""


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab(CONF)


@pytest.fixture(scope="module")
def ctl(lab):
    return Control(lab.prefix)


@pytest.fixture(params=(4, 6), ids=("ip4", "ip6"))
def family(request):
    return request.param


@pytest.fixture
def connect(lab, ctl, family):
    """connect(port) is a client, once riposte has made the calls of its script."""
    with contextlib.ExitStack() as stack:
        def make(port=80, call="hang"):
            client = stack.enter_context(lab.connect(port, family))
            wait_for(lambda: (now := ctl.connection(client)) and now["state"] == "ESTABLISHED"
                     and (call is None or now["call"] == call))
            return client

        yield make


def unread(ctl, client, count):
    wait_for(lambda: ctl.connection(client)["unread"] == count)


def refuses(ctl, client, call, *words, local=None):
    said = ctl.refuses("call", client if isinstance(client, str) else end(client),
                       local or client.getpeername()[1], call)
    missing = [word for word in words if word not in said]
    assert not missing, f"{missing} not in: {said}"
    return said


def test_read(ctl, connect):
    client = connect()
    client.sendall(b"12345678")
    unread(ctl, client, 8)
    assert ctl.call(client, "read 3") == "made: read 3\n"
    unread(ctl, client, 5)
    ctl.call(client, "read")
    unread(ctl, client, 0)


def test_write(ctl, connect):
    client = connect()
    assert ctl.call(client, 'write "x"') == 'made: write "x"\n'
    assert client.recv(10) == b"x"
    ctl.call(client, 'write "one, two"')
    assert client.recv(10) == b"one, two"
    assert ctl.json("call", end(client), client.getpeername()[1], "write", '"y"') == \
        {"made": 'write "y"'}
    assert client.recv(10) == b"y"
    wait_for(lambda: ctl.connection(client)["unacked"] == 0)
    assert ctl.connection(client)["call"] == "hang"


def test_write_of_bytes(ctl, connect):
    """No escapes: what comes is what is sent."""
    client = connect()
    ctl.call(client, 'write "a\r\n\tb"')
    assert client.recv(100) == b"a\r\n\tb"
    ctl.call(client, 'write "\u00e9\u4e16"')
    assert client.recv(100) == "\u00e9\u4e16".encode()
    ctl.call(client, f'write "{"z" * 900}"')
    assert receive(client, 900) == b"z" * 900


def receive(client, count):
    text = b""
    while len(text) < count and (more := client.recv(count - len(text))):
        text += more
    return text


def test_a_conversation(ctl, connect):
    """A whole server by hand."""
    client = connect()
    client.sendall(b"GET / HTTP/1.0\r\n\r\n")
    unread(ctl, client, 18)
    ctl.call(client, "read 18")
    ctl.call(client, 'write "HTTP/1.0 200 OK\r\n\r\n"')
    ctl.call(client, 'write "hello"')
    ctl.call(client, "close")
    assert receive(client, 100) == b"HTTP/1.0 200 OK\r\n\r\nhello"


def test_echo(ctl, connect):
    client = connect()
    ctl.call(client, "echo")
    client.sendall(b"abc")
    assert receive(client, 3) == b"abc"
    assert ctl.connection(client)["call"] == "echo"
    for call in ("read", "echo", "sleep 1s"):
        refuses(ctl, client, call, "another call")
    refuses(ctl, client, 'write "x"', "echo")
    client.sendall(b"defg")
    assert receive(client, 4) == b"defg"
    client.shutdown(socket.SHUT_WR)
    wait_for(lambda: ctl.connection(client)["call"] == "hang")
    ctl.call(client, 'write "bye"')
    assert receive(client, 3) == b"bye"
    ctl.call(client, "close")
    assert client.recv(1) == b""


def test_echo_of_what_is_unread(ctl, connect):
    """Of what came while no echo was to come, riposte has only counted the bytes."""
    client = connect()
    client.sendall(b"abc")
    unread(ctl, client, 3)
    refuses(ctl, client, "echo", "read it first")
    ctl.call(client, "read 3")
    ctl.call(client, "echo")
    client.sendall(b"def")
    assert receive(client, 3) == b"def"


def test_shutdown(ctl, connect):
    client = connect()
    ctl.call(client, "shutdown")
    assert client.recv(1) == b""
    client.sendall(b"still")
    unread(ctl, client, 5)
    ctl.call(client, "read 5")
    for call in ('write "late"', "echo", "shutdown"):
        refuses(ctl, client, call, "shut")
    ctl.call(client, "close")
    client.shutdown(socket.SHUT_WR)
    assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def test_linger_0_and_close(ctl, connect):
    client = connect()
    before = ctl.counters()["rst.linger"]
    ctl.call(client, "linger 0")
    assert ctl.connection(client)["state"] == "ESTABLISHED"
    ctl.call(client, "close")
    assert error_of(client.recv, 1) == "ECONNRESET"
    assert ctl.counters()["rst.linger"] == before + 1


def test_close(ctl, connect):
    client = connect()
    ctl.call(client, "close")
    assert client.recv(1) == b""
    refuses(ctl, client, "read", "closed")
    assert client.send(b"x") == 1
    wait_for(lambda: error_of(client.send, b"x") == "EPIPE")


def test_close_with_unread_data(ctl, connect):
    client = connect()
    before = ctl.counters()["rst.unread_data"]
    client.sendall(b"never read")
    unread(ctl, client, 10)
    ctl.call(client, "close")
    assert error_of(client.recv, 1) == "ECONNRESET"
    assert ctl.counters()["rst.unread_data"] == before + 1


def test_accept(ctl, connect):
    """From the queue of an application that never accepts by itself."""
    before = ctl.listener("never")["waiting"]
    client, other = connect(81, None), connect(81, None)
    assert ctl.listener("never")["waiting"] == before + 2
    refuses(ctl, client, "read", "accept")
    refuses(ctl, client, 'write "x"', "accept")
    ctl.call(client, "accept")
    assert ctl.listener("never")["waiting"] == before + 1
    refuses(ctl, client, "accept", "accept")
    ctl.call(client, 'write "hello"')
    assert receive(client, 5) == b"hello"
    ctl.call(client, "close")
    assert client.recv(1) == b""
    ctl.call(other, "accept")
    ctl.call(other, "close")
    assert other.recv(1) == b""
    assert ctl.listener("never")["waiting"] == before


def test_read_that_waits(ctl, connect):
    client = connect()
    ctl.call(client, "read 10")
    assert ctl.connection(client)["call"] == "read 10"
    client.sendall(b"12345")
    wait_for(lambda: unsent(client) == 0)
    for call in ("read 1", "sleep 1s", "timeout 1s", "hang", "echo"):
        refuses(ctl, client, call, "another call")
    assert ctl.connection(client)["call"] == "read 10"
    client.sendall(b"67890!")
    wait_for(lambda: ctl.connection(client)["call"] == "hang")
    assert ctl.connection(client)["unread"] == 1
    ctl.call(client, "read")
    ctl.call(client, "close")
    assert client.recv(1) == b""


def test_what_can_be_done_while_a_read_waits(ctl, connect):
    """As another thread of the application may: write, shutdown, linger 0 and close."""
    client = connect()
    ctl.call(client, "read 10")
    ctl.call(client, 'write "well?"')
    assert receive(client, 5) == b"well?"
    assert ctl.connection(client)["call"] == "read 10"
    ctl.call(client, "shutdown")
    assert client.recv(1) == b""
    client.sendall(b"12345")
    wait_for(lambda: unsent(client) == 0)
    assert ctl.connection(client)["call"] == "read 10"
    ctl.call(client, "close")
    client.send(b"6")
    wait_for(lambda: error_of(client.send, b"7") == "EPIPE")


def test_read_all_until_the_end(ctl, connect):
    client = connect()
    ctl.call(client, "read all")
    client.sendall(bytes(200000))
    refuses(ctl, client, "read", "another call")
    client.shutdown(socket.SHUT_WR)
    wait_for(lambda: ctl.connection(client)["call"] == "hang")
    ctl.call(client, "close")
    assert client.recv(1) == b""


def test_sleep(ctl, connect):
    client = connect()
    start = time.monotonic()
    ctl.call(client, "sleep 2s")
    if time.monotonic() - start < 1:
        refuses(ctl, client, "read", "another call")
    wait_for(lambda: ctl.connection(client)["call"] == "hang")
    assert time.monotonic() - start >= 1.99
    ctl.call(client, "close")
    assert client.recv(1) == b""


def test_timeout(ctl, connect):
    client = connect()
    ctl.call(client, "timeout 100ms")
    start = time.monotonic()
    ctl.call(client, "read")
    assert client.recv(1) == b""
    assert time.monotonic() - start >= 0.099


def test_hang(ctl, connect):
    client = connect()
    ctl.call(client, "hang")
    ctl.call(client, "close")
    assert client.recv(1) == b""


def test_what_its_script_waits_in(ctl, connect):
    client = connect(82, "read 100")
    refuses(ctl, client, "read", "another call")
    client.sendall(bytes(100))
    assert receive(client, 4) == b"done"
    wait_for(lambda: ctl.connection(client)["call"] == "hang")
    ctl.call(client, "close")
    assert client.recv(1) == b""


NONSENSE = ("accep", "", " ", "read -1", "read x", "read 0", "write", "write x", 'write "x', "sleep",
            "sleep 5", "linger 1", "linger", "shutdown now", "close close", "timeout 1", '"close"',
            "close, close", "x" * 200)


def test_nonsense(ctl, connect):
    client = connect()
    for call in NONSENSE:
        words = () if call.strip() == "" else (call[:20],)
        refuses(ctl, client, call, *words)
    ctl.call(client, "close")
    assert client.recv(1) == b""


def test_no_such_connection(ctl, connect, family):
    client = connect()
    name = end(client)
    host, _, number = name.rpartition(":")
    other = f"{host}:{int(number) % 65535 + 1}"
    refuses(ctl, name, "close", "no such connection", local=81)
    refuses(ctl, other, "close", "no such connection", local=80)
    refuses(ctl, name, "close", "no such connection",
            local={4: "10.9.9.9:80", 6: "[fd09::9]:80"}[family])
    ctl.call(client, "close")
    assert client.recv(1) == b""


def test_a_connection_whose_application_has_closed(ctl, lab, family):
    with lab.connect(83, family) as client:
        assert client.recv(1) == b""
        refuses(ctl, client, "read", "closed")


def test_a_handshake_that_is_not_complete(ctl, lab, family):
    talk = Talk.begin(lab, family, 47000 + family, 80)
    talk.send("S seq 0")
    talk.next()
    refuses(ctl, talk.name, "close", "handshake", local=80)
    talk.send("R seq 1")
    talk.close()


def test_two_servers_of_one_client_port(ctl, lab, family):
    """LOCALPORT alone would be either."""
    hosts = {4: ("10.9.1.1", "10.9.1.2"), 6: ("fd09::1:1", "fd09::1:2")}[family]
    with contextlib.ExitStack() as stack:
        clients, port = [], 0
        for host in hosts:
            client = stack.enter_context(lab.socket(family))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            client.bind(("", port))
            lab.connect_to(client, 80, host)
            port = client.getsockname()[1]
            clients.append(client)
        wait_for(lambda: sum(c["client"] == end(client) for c in ctl.connections()) == 2)
        refuses(ctl, clients[0], "close", "ADDRESS:PORT", local=80)
        for client, host in zip(clients, hosts):
            local = f"[{host}]:80" if family == 6 else f"{host}:80"
            ctl.call(client, f'write "{host}"', local=local)
            assert receive(client, len(host)) == host.encode()
        ctl.call(clients[1], "close", local=f"[{hosts[1]}]:80" if family == 6 else f"{hosts[1]}:80")
        assert clients[1].recv(1) == b""


def test_another_port_is_no_ambiguity(ctl, lab, family):
    """One client port, two of riposte's ports."""
    with contextlib.ExitStack() as stack:
        clients, port = [], 0
        for service in (80, 8000):
            client = stack.enter_context(lab.socket(family))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            client.bind(("", port))
            lab.connect_to(client, service)
            port = client.getsockname()[1]
            clients.append(client)
        wait_for(lambda: sum(c["client"] == end(client) for c in ctl.connections()) == 2)
        for client, service in zip(clients, (80, 8000)):
            ctl.call(client, f'write "{service}"')
            assert receive(client, len(str(service))) == str(service).encode()
