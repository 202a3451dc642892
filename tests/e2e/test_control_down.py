# SPDX-License-Identifier: BSD-3-Clause
"""ripostectl crash, down and up on the real program: what a host that restarted, or that is gone,
says to a Linux client and to hand-made segments. Where nothing may come, seconds are waited."""
import errno
import itertools
import socket
import subprocess
import threading
import time

import pytest
from scapy.all import Ether, ICMPv6EchoReply, IPv6, TCP

from control import Control, balanced, end, error_of, unsent, wait_for
from lab import CLIENT4, SERVER, SERVER4
from talk import Talk

CONF = """
host { owns = { "10.9.0.1", "fd09::1" } connections = 10000 msl = "5s" }
listener "hang" { ports = 80 script = { "accept", "hang" } backlog = 500 }
listener "close" { ports = 81 script = { "accept", "close" } }
listener "never" { ports = 82 script = {} backlog = 2 }
listener "polite" { ports = 83 script = { "accept", "read all", "close" } }
listener "writer" { ports = 84 script = { "accept", 'write "hello"', "hang" } }
listener "slow" { ports = 85 script = { "accept", "hang" } syn_ack_delay = "1s" }
listener "sleeper" { ports = 86 script = { "accept", "sleep 1s", "linger 0", "close" } }
"""


FIN_WAIT_2 = 5  # in TCP_INFO
_ports = itertools.count(50000)  # no two hand-made clients have the same


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab(CONF)


@pytest.fixture
def ctl(lab):
    made = Control(lab.prefix)
    yield made
    made.says("up")


@pytest.fixture(params=(4, 6), ids=("ip4", "ip6"))
def family(request):
    return request.param


@pytest.fixture
def talk(lab, family):
    """talk(service) is a new hand-made client of it."""
    talks = []

    def make(service):
        talks.append(Talk.begin(lab, family, next(_ports), service))
        return talks[-1]

    yield make
    for each in talks:
        each.close()


def acknowledged(client):
    wait_for(lambda: unsent(client) == 0)


def serves(lab, family):
    """A whole connection, from SYN to both FINs."""
    with lab.connect(83, family) as client:
        client.sendall(b"so long")
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""


# --- crash ---

def test_5_crash_forgets_and_the_next_write_is_econnreset(lab, ctl, family):
    with lab.raw() as wire, lab.connect(80, family) as client:
        client.sendall(b"before")
        acknowledged(client)
        iss, = [frame[TCP].seq for frame in map(Ether, wire.receive(0.2))
                if TCP in frame and frame[TCP].flags == "SA" and frame[TCP].sport == 80]
        before = ctl.counters()
        assert ctl.json("crash")["forgotten"] == before["connections"] > 0
        assert ctl.json("connections") == []
        assert client.send(b"x") == 1
        assert error_of(client.recv, 1) == "ECONNRESET"
        # riposte had sent no text: SEG.ACK of whatever comes is ISS + 1.
        resets = [frame for frame in map(Ether, wire.receive(0.5))
                  if TCP in frame and frame[TCP].sport == 80]
        assert [(str(f[TCP].flags), f[TCP].seq, f[TCP].ack) for f in resets] == \
            [("R", iss + 1 & 0xFFFFFFFF, 0)]
        after = ctl.counters()
        assert after["rst.no_connection"] == before["rst.no_connection"] + 1
        assert after["rx"] > before["rx"]
    serves(lab, family)


def test_5_crash_says_how_many(lab, ctl, family):
    ctl.says("crash")
    clients = [lab.connect(80, family) for _ in range(7)]
    wait_for(lambda: ctl.counters()["connections"] == 7)
    assert ctl.says("crash") == "connections forgotten: 7\n"
    assert ctl.says("crash") == "connections forgotten: 0\n"
    for client in clients:
        client.send(b"x")
        assert error_of(client.recv, 1) == "ECONNRESET"
        client.close()


def test_5_crash_in_every_state(lab, ctl, talk):
    """Half open, half closed, with a FIN or text under way, in TIME-WAIT, with a SYN-ACK or a reset
    still to be sent: nothing is ever sent of any of them, and all are answered alike."""
    half_open, open_, closing, writing, waiting, slow, sleeper = map(
        talk, (80, 80, 81, 84, 81, 85, 86))
    half_open.send("S seq 0")
    half_open.next()
    open_.connect()
    open_.send("FA seq 1 ack 1")
    assert open_.next()[0].startswith("A seq 1 ack 2 ")
    closing.connect()
    assert closing.next()[0].startswith("FA seq 1 ack 1 ")
    writing.connect()
    assert writing.next()[0].startswith("PA seq 1 ack 1 len 5 ")
    waiting.connect()
    assert waiting.next()[0].startswith("FA seq 1 ack 1 ")
    waiting.send("FA seq 1 ack 2")
    assert waiting.next()[0].startswith("A seq 2 ack 2 ")
    slow.send("S seq 0")
    sleeper.connect()
    wait_for(lambda: {c["client"] for c in ctl.connections()} >= {
        t.name for t in (half_open, open_, closing, writing, waiting, slow, sleeper)})
    assert ctl.json("crash")["forgotten"] >= 7
    for each in (half_open, open_, closing, writing, waiting, slow, sleeper):
        for frame in each.wire.receive(0):  # what was on its way
            pass
    assert half_open.next(4)[0] is None
    for each in (open_, closing, writing, waiting, slow, sleeper):
        assert each.next(0.05)[0] is None
    for each in (half_open, open_, closing, writing, waiting, sleeper):
        each.send("A seq 2 ack 2")
        each.expect("R seq 2 win 0")
    wait_for(lambda: (now := ctl.counters()) and balanced(now) and not now["half_open"])


def test_5_crash_empties_the_accept_queues(lab, ctl, family):
    """As many as ever fit once more: nothing of the old ones is left."""
    for _ in range(3):
        clients = [lab.connect(82, family) for _ in range(2)]
        wait_for(lambda: ctl.listener("never")["waiting"] == 2)
        with lab.socket(family, timeout=0.5) as late, pytest.raises(TimeoutError):
            lab.connect_to(late, 82)
        ctl.says("crash")
        assert (ctl.listener("never")["waiting"], ctl.listener("never")["alive"]) == (0, 0)
        for client in clients:
            client.close()
    assert all(listener["taken"] == listener["alive"] == 0 for listener in ctl.json("listeners"))


def test_5_crash_under_load(lab, ctl, family):
    """Whatever a connection is doing: it ends with a reset or in good order, and new ones work. Only one
    that has nothing left to send does not hear of it: the client's FIN was acknowledged, riposte's own
    was not out yet."""
    stop, seen = threading.Event(), set()

    def knock():
        while not stop.is_set():
            with lab.socket(family, timeout=3) as client:
                try:
                    lab.connect_to(client, 83)
                    client.sendall(b"so long")
                    client.shutdown(socket.SHUT_WR)
                    assert client.recv(1) == b""
                    seen.add("")
                except TimeoutError:
                    state = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
                    seen.add("" if state == FIN_WAIT_2 else f"timed out in state {state}")
                except OSError as error:
                    seen.add(errno.errorcode[error.errno])

    threads = [threading.Thread(target=knock) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        ctl.says("crash")
    stop.set()
    for thread in threads:
        thread.join(60)
    # ENOTCONN is shutdown()'s, of a connection that has just been reset.
    assert "" in seen and seen <= {"", "ECONNRESET", "EPIPE", "ENOTCONN"}, seen
    serves(lab, family)


# --- down, and up again ---

def forget_neighbours(lab):
    lab.client.run("ip", "neigh", "flush", "dev", "c0")


def neighbour(lab, family):
    """What the client knows of riposte's Ethernet address."""
    return lab.client.run("ip", "neigh", "show", SERVER[family], "dev", "c0")


def pings(lab, family):
    """How many of three pings are answered."""
    command = lab.client.command("ping", "-c", "3", "-i", "0.2", "-W", "1", SERVER[family])
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, timeout=60)
    return int(done.stdout.split(" received")[0].split()[-1])


def test_6_down_answers_arp_and_nothing_else(lab, ctl, family):
    assert ctl.json("down") == {"state": "down"}
    forget_neighbours(lab)
    assert pings(lab, family) == 0
    assert "lladdr" in neighbour(lab, family)
    for port in (80, 9):
        with lab.socket(family, timeout=1.5) as client, pytest.raises(TimeoutError):
            lab.connect_to(client, port)
    with lab.socket(family) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 1)
        assert error_of(lab.connect_to, client, 80) == "ETIMEDOUT"
    assert ctl.json("up") == {"state": "up"}
    assert pings(lab, family) == 3
    serves(lab, family)


def test_6b_down_arp_does_not_even_answer_arp(lab, ctl, family):
    assert ctl.json("down", "--arp") == {"state": "down,arp"}
    forget_neighbours(lab)
    with lab.socket(family) as client:
        assert error_of(lab.connect_to, client, 80) == "EHOSTUNREACH"
    with lab.raw() as wire:
        assert wire.resolve(CLIENT4, SERVER4, 1) is None
    assert "lladdr" not in neighbour(lab, family)
    # Down without --arp from there: the cable is there again.
    ctl.says("down")
    assert pings(lab, family) == 0
    with lab.raw() as wire:
        assert wire.resolve(CLIENT4, SERVER4, 20)
    ctl.says("up")
    forget_neighbours(lab)
    assert pings(lab, family) == 3
    serves(lab, family)


def is_neighbourly(frame):
    """ARP or neighbour discovery."""
    return frame.type == 0x0806 or (IPv6 in frame and frame[IPv6].nh == 58 and
                                    ICMPv6EchoReply not in frame)


@pytest.mark.parametrize("how", ([], ["--arp"]))
def test_6_down_sends_nothing(lab, ctl, talk, how):
    """No FIN and no text again, no SYN-ACK that was delayed, no reset that a script is about to send, no
    answer to anything."""
    closing, writing, half_open, slow, sleeper, open_ = map(talk, (81, 84, 80, 85, 86, 80))
    for each in (closing, writing, sleeper, open_):
        each.connect()
    assert closing.next()[0].startswith("FA seq 1 ack 1 ")
    assert writing.next()[0].startswith("PA seq 1 ack 1 len 5 ")
    half_open.send("S seq 0")
    half_open.next()
    slow.send("S seq 0")
    ctl.says("down", *how)
    time.sleep(0.1)  # what was sent before it
    with lab.raw() as wire:
        open_.send("PA seq 1 ack 1 len 10")
        open_.send("S seq 5")
        open_.send("A seq 100000 ack 1")
        half_open.send("A seq 1 ack 1")
        frames = list(map(Ether, wire.receive(4)))
    assert [f.summary() for f in frames if not is_neighbourly(f)] == []
    if how:
        assert frames == []


def test_6_up_goes_on(lab, ctl, family):
    """A connection survives: what the client could not get rid of is acknowledged afterwards."""
    with lab.connect(83, family) as client:
        client.sendall(b"before")
        acknowledged(client)
        ctl.says("down")
        client.sendall(bytes(3000))
        time.sleep(1)
        assert unsent(client) == 3000
        assert ctl.connection(client)["state"] == "ESTABLISHED"
        ctl.says("up")
        acknowledged(client)
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
        assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def test_6_up_sends_again_what_is_still_unacknowledged(ctl, talk):
    writing = talk(84)
    writing.connect()
    assert writing.next()[0].startswith("PA seq 1 ack 1 len 5 ")
    ctl.says("down")
    for _ in writing.wire.receive(0.1):
        pass
    assert writing.next(1.5)[0] is None
    ctl.says("up")
    assert writing.next(60)[0].startswith("PA seq 1 ack 1 len 5 ")
    writing.send("A seq 1 ack 6")
    writing.send("R seq 1")


def test_6_frames_that_come_while_it_is_down_are_counted(lab, ctl, family):
    before = wait_for(lambda: (now := ctl.counters()) and balanced(now) and now)
    ctl.says("down")
    assert pings(lab, family) == 0
    after = wait_for(lambda: (now := ctl.counters()) and balanced(now) and now)
    assert after["rx"] >= before["rx"] + 3
    # Whatever is answered is ARP or ND: none of the pings is.
    assert after["rx"] - after["answered"] >= before["rx"] - before["answered"] + 3


def test_down_and_up_again_and_again(lab, ctl, family):
    for _ in range(20):
        ctl.says("down")
        ctl.says("up")
    assert ctl.json("up") == {"state": "up"}
    ctl.says("down", "--arp")
    assert ctl.json("down", "--arp") == {"state": "down,arp"}
    ctl.says("up")
    serves(lab, family)


def test_crash_while_down(lab, ctl, family):
    """A host that restarts without its network: once it is back, the old connection is not known."""
    with lab.connect(80, family) as client:
        wait_for(lambda: ctl.connection(client))
        ctl.says("down")
        assert ctl.json("crash")["forgotten"] >= 1
        client.send(b"x")
        ctl.says("up")
        assert error_of(client.recv, 1) == "ECONNRESET"
        assert ctl.connection(end(client)) is None
