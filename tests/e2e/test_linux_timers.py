# SPDX-License-Identifier: BSD-3-Clause
"""What riposte does when time passes: handshakes given up, retransmissions, TIME-WAIT's end, and a
host that drops. The segments are made by hand, so that nobody answers unasked. Nothing here is
asked for within a short time, only not before its time."""
import errno
import socket
import time

import pytest

from talk import Talk

CONF = """
host { owns = { "10.9.0.1", "fd09::1" } connections = 1000 msl = "300ms" }
listener "plain" { ports = { "80" } script = { "accept", "hang" } }
listener "impatient" { ports = { "81" } script = { "accept", "hang" } handshake_timeout = "100ms" }
listener "slow" { ports = { "82" } script = { "accept", "hang" } syn_ack_delay = "400ms" }
listener "close" { ports = { "83" } script = { "accept", "close" } }
listener "patient" { ports = { "84" } script = { "accept", "timeout 200ms", "read", "close" } }
listener "willing" { ports = { "85" } script = { "accept", "hang" } handshake_timeout = "2s" }
"""


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab(CONF)


@pytest.fixture(params=(4, 6), ids=("ip4", "ip6"))
def talk(request, lab):
    """talk(service) is a new client of it."""
    family, talks = request.param, []

    def make(service):
        make.port += 1
        talks.append(Talk.begin(lab, family, make.port, service))
        return talks[-1]

    make.port = 40000 + 1000 * family + service_number(request)
    yield make
    for each in talks:
        each.close()


def service_number(request):
    """No two tests use the same client ports."""
    return sum(map(ord, request.node.originalname)) % 997


def syn_ack(talk):
    return f"SA seq 0 ack 1 win 65535 <mss {1460 if talk.peer.path.family == 4 else 1440}>"


def test_2c_handshake_timeout_then_a_late_ack(talk):
    client = talk(81)
    start = client.send("S seq 0")
    client.expect(syn_ack(client))
    assert client.expect("RA seq 1 ack 1 win 0") - start >= 0.099
    client.send("A seq 1 ack 1")
    client.expect("R seq 1 win 0")


def test_2c_in_time_is_not_reset(talk):
    client = talk(85)
    client.send("S seq 0")
    client.expect(syn_ack(client))
    client.send("A seq 1 ack 1")
    assert client.next(2.5)[0] is None


def test_2_rst_while_the_syn_ack_is_delayed(talk):
    """The embryonic connection is gone: nothing is ever sent."""
    client = talk(82)
    client.send("S seq 0")
    client.send("R seq 1")
    assert client.next(1)[0] is None


def test_2_syn_ack_is_delayed(talk):
    client = talk(82)
    start = client.send("S seq 0")
    assert client.expect(syn_ack(client)) - start >= 0.399


def test_6_3_syn_ack_is_sent_again_after_1_and_3_seconds(talk):
    client = talk(80)
    start = client.send("S seq 0")
    first = client.expect(syn_ack(client))
    second = client.expect(syn_ack(client))
    third = client.expect(syn_ack(client))
    assert second - start >= 0.99 and third - start >= 2.99
    assert first < second < third
    client.send("A seq 1 ack 1")
    assert client.next(1)[0] is None


def test_rfc6298_5_fin_is_sent_again_until_acknowledged(talk):
    client = talk(83)
    client.send("S seq 0")
    client.expect(syn_ack(client))
    start = client.send("A seq 1 ack 1")
    times = [client.expect("FA seq 1 ack 1 win 65535") - start for _ in range(4)]
    # RTO is 200 ms at least, and doubles.
    assert times[1] >= 0.199 and times[2] >= 0.599 and times[3] >= 1.399, times
    client.send("A seq 1 ack 2")
    assert client.next(3.5)[0] is None


def test_rfc9293_3_10_8_time_wait_ends_after_2_msl(talk):
    client = talk(83)
    client.send("S seq 0")
    client.expect(syn_ack(client))
    client.send("A seq 1 ack 1")
    client.expect("FA seq 1 ack 1 win 65535")
    start = client.send("FA seq 1 ack 2")
    client.expect("A seq 2 ack 2 win 65535")
    client.send("A seq 1 ack 2")
    came, when = client.next()
    assert came == "A seq 2 ack 2 win 65535" or when - start > 0.6
    time.sleep(1)
    client.send("A seq 1 ack 2")
    client.expect("R seq 2 win 0")


def test_2b_read_timeout(talk):
    """200 ms without data: FIN; text that comes later draws RST."""
    client = talk(84)
    client.send("S seq 0")
    client.expect(syn_ack(client))
    start = client.send("A seq 1 ack 1")
    assert client.expect("FA seq 1 ack 1 win 65535") - start >= 0.199
    client.send("PA seq 1 ack 2 len 5")
    client.expect("R seq 2 win 0")


@pytest.fixture(scope="module")
def dropping(make_lab):
    return make_lab(CONF.replace("msl", "closed = drop msl"))


@pytest.mark.parametrize("family", (4, 6))
def test_1c_closed_drop_is_etimedout(dropping, family):
    """The client's SYN is sent twice, and then given up."""
    with dropping.socket(family, timeout=60) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 1)
        with pytest.raises(OSError) as error:
            dropping.connect_to(client, 9)
        assert error.value.errno == errno.ETIMEDOUT
    with dropping.socket(family) as client:
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            dropping.connect_to(client, 9)


def test_1c_listeners_are_not_concerned(dropping):
    with dropping.connect(80) as client:
        client.sendall(b"x")
