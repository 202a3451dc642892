# SPDX-License-Identifier: BSD-3-Clause
"""The situations in which textbooks show how TCP servers fail: nobody listens; the server has
closed and the client writes on; the server was restarted behind an idle connection's back. Where a
kernel can stand in for riposte, by scripthost.py, it is asked as well and has to say the same."""
import errno
import select
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import linuxhost
from lab import SERVER
from responder import ROOT
from scripthost import ScriptHost
from segments import Wire, wait_for

CLOSES, READS_SOME, HANGS, CLOSES_LATER, ABORTS = 80, 81, 82, 83, 84
SCRIPTS = {
    CLOSES: ["accept", "close"],
    READS_SOME: ["accept", "read 4096", "close"],
    HANGS: ["accept", "hang"],
    CLOSES_LATER: ["accept", "read 1", "close"],
    ABORTS: ["accept", "read 1", "linger 0", "close"],
}
NOBODY = 99
CONF = 'host { owns = { "10.9.0.1", "fd09::1" } connections = 1000 }\n' + "".join(
    f'listener "{port}" {{ ports = {{ "{port}" }} script = {{ '
    + ", ".join(f'"{call}"' for call in script) + " } }\n" for port, script in SCRIPTS.items())
WRITER = Path(__file__).with_name("writer.py")
RIPOSTECTL = ROOT / "scripts" / "ripostectl"
FAMILIES = (4, 6)
IDLE = 20  # seconds


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab(CONF)


@pytest.fixture(scope="module")
def host(lab):
    made = linuxhost.LinuxHost(lab.client, {})
    scripts = ScriptHost(made.netns, [
        {"port": port, "family": family, "script": script, "backlog": 20}
        for port, script in SCRIPTS.items() for family in FAMILIES], lab.riposte.directory)
    yield made
    scripts.close()
    made.close()


@pytest.fixture(params=("riposte", "linux"))
def server(request, lab, host):
    """{family: address} and the client's interface that leads there."""
    return (SERVER, "c0") if request.param == "riposte" else (linuxhost.ADDRESS, "k0")


@pytest.fixture(params=FAMILIES, ids=("ip4", "ip6"))
def family(request):
    return request.param


def on_the_wire(wire, client_port, port, count):
    """The segments of a connection, once there are so many."""
    def enough():
        wire.look(0.1)
        segments = wire.connection(client_port, port)
        return segments if len(segments) >= count else None
    return [str(one) for one in wait_for(enough, f"{count} segments")]


def error_of(call, *args):
    """The name of the errno that a call fails with, None if it does not."""
    try:
        call(*args)
    except OSError as error:
        return errno.errorcode[error.errno]
    return None


def test_a_connect_without_a_server(lab, server, family):
    addresses, interface = server
    with Wire(lab.client, interface) as wire, lab.socket(family) as client:
        assert error_of(client.connect, (addresses[family], NOBODY)) == "ECONNREFUSED"
        assert on_the_wire(wire, client.getsockname()[1], NOBODY, 2) == ["S 0", "RA 0 ack 1"]


def write(lab, server, family, port, *options):
    """The writer's exit status and what its calls returned."""
    done = subprocess.run(
        lab.client.command(sys.executable, str(WRITER), server[0][family], str(port), *options),
        stdout=subprocess.PIPE, check=False, text=True, timeout=120)
    return done.returncode, done.stdout.splitlines()


def test_b_writes_to_a_server_that_has_closed(lab, server, family):
    """Whatever is written before the reset is here is taken, and lost."""
    status, calls = write(lab, server, family, CLOSES, "closed")
    assert status == 0
    assert calls[-1] == "write EPIPE"
    assert calls[0] == "write 5000"
    assert sum(int(call.split()[1]) for call in calls[:-1]) >= 5000


def test_b_waits_for_the_reset(lab, server, family):
    """So exactly one write is taken."""
    assert write(lab, server, family, CLOSES, "closed", "wait") == (
        0, ["write 5000", "write EPIPE"])


def test_b_sigpipe(lab, server, family):
    assert write(lab, server, family, CLOSES, "closed", "wait", "sigpipe") == (-13, ["write 5000"])


def test_b_reads_after_each_write(lab, server, family):
    """The FIN came first: read says 0, before the reset and after it."""
    status, calls = write(lab, server, family, CLOSES, "closed", "wait", "read")
    assert (status, calls) == (0, ["write 5000", "read 0", "write EPIPE"])


def test_b_reads_at_once_after_each_write(lab, server, family):
    """Whether one more write or two are taken is a race with the reset; read has no doubt."""
    status, calls = write(lab, server, family, CLOSES, "closed", "read")
    assert status == 0
    assert calls[:2] == ["write 5000", "read 0"]
    assert calls[-1] == "write EPIPE"
    assert {call for call in calls if call.startswith("read")} == {"read 0"}


def test_b_reads_after_a_write_that_was_not_read(lab, server, family):
    assert write(lab, server, family, READS_SOME, "read") == (0, ["write 5000", "read ECONNRESET"])


@pytest.mark.parametrize("port, read", [(CLOSES_LATER, None), (ABORTS, "ECONNRESET")],
                         ids=("fin", "rst"))
@pytest.mark.parametrize("how", ("poll", "select"))
def test_readable(lab, server, family, how, port, read):
    """For the FIN, and for the RST: not before."""
    with lab.socket(family) as client:
        client.connect((server[0][family], port))
        assert not readable(client, how, 0.1)
        client.send(b"x")
        assert readable(client, how, 60)
        assert error_of(client.recv, 1) == read
        if read is None:
            assert client.recv(1) == b""


def readable(sock, how, seconds):
    if how == "select":
        return bool(select.select([sock], [], [], seconds)[0])
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return any(got & select.POLLIN for _, got in poll.poll(1000 * seconds))


class Idle:
    """A connection that has been idle for a while when its server is restarted."""

    def __init__(self, lab, family, wire):
        self.client = lab.connect(HANGS, family)
        self.port = self.client.getsockname()[1]
        self.wire = wire
        self.client.send(b"hello")

    def segments(self, count):
        """Of those on the wire the last two, once there are so many: what was sent last, and what
        that drew."""
        return on_the_wire(self.wire, self.port, HANGS, count)[-2:]


WAYS = ("write", "keepalive", "poll", "select")


@pytest.fixture(scope="module")
def crashed(lab):
    """Idle connections of a server that forgot them; all wait together."""
    with Wire(lab.client, "c0") as wire:
        idle = {(way, family): Idle(lab, family, wire) for way in WAYS for family in FAMILIES}
        before = [len(on_the_wire(wire, one.port, HANGS, 5)) for one in idle.values()]
        time.sleep(IDLE)
        subprocess.run([str(RIPOSTECTL), "--file-prefix", lab.prefix, "crash"], check=True,
                       timeout=60)
        # S, SA, A, the text and its acknowledgement; nothing since, and the crash tells nobody.
        assert before == [len(on_the_wire(wire, one.port, HANGS, 5)) for one in idle.values()] \
            == [5] * len(idle)
        yield idle
        for one in idle.values():
            one.client.close()


def test_c_write_after_a_restart(crashed, family):
    """The write is taken, for nobody knows yet; what it draws is the reset."""
    one = crashed["write", family]
    assert one.client.send(b"anybody there?") == 14
    assert error_of(one.client.recv, 1) == "ECONNRESET"
    assert error_of(one.client.send, b"x") == "EPIPE"
    assert one.segments(7) == ["PA 6:20 ack 1", "R 1"]


def test_c_keepalive_after_a_restart(crashed, family):
    one = crashed["keepalive", family]
    one.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    one.client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    assert error_of(one.client.recv, 1) == "ECONNRESET"
    assert one.segments(7) == ["A 5 ack 1", "R 1"]


@pytest.mark.parametrize("how", ("poll", "select"))
def test_c_readable_after_a_restart(crashed, family, how):
    """Only when the reset is here."""
    one = crashed[how, family]
    assert not readable(one.client, how, 0.1)
    one.client.send(b"x")
    assert readable(one.client, how, 60)
    assert error_of(one.client.recv, 1) == "ECONNRESET"
    assert one.segments(7) == ["PA 6:7 ack 1", "R 1"]
