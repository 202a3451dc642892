# SPDX-License-Identifier: BSD-3-Clause
"""clients - the client's program of each row: what it calls, and when."""
import contextlib
import time

from .program import Overslept

SEGMENT = 1000  # the MSS, where it makes the numbers easy to read
DELAYED_ACK = 0.05  # a little more than Linux may wait before it acknowledges a FIN
USER_TIMEOUT_MS = 2500  # two SYNs at least, on every kernel


@contextlib.contextmanager
def no_longer_than(seconds):
    """What is done in here would show something else if it took longer, on a busy machine."""
    start = time.monotonic()
    yield
    if time.monotonic() - start > seconds:
        raise Overslept


def refused(client):
    """Row 1."""
    client.socket().connect()


def unknown(client):
    """Row 1b: a connection that the server's host does not know."""
    known = client.socket()
    known.restore()
    known.read()


def unanswered(client):
    """Row 1c."""
    tried = client.socket()
    tried.user_timeout(USER_TIMEOUT_MS)
    tried.connect()


def gives_up(client):
    """Row 2: after 100 ms; the capture goes on for as long as a SYN-ACK sent again would take."""
    tried = client.socket(blocking=False)
    with no_longer_than(0.105):
        tried.connect()
        tried.poll(0.1)
        tried.close()
    time.sleep(1.3)


def late_ack(client):
    """Row 2c: after its SYN, its ACK waits at its own interface for 300 ms."""
    late = client.socket()
    late.hold(client.place.slow_class("2kbit"))
    late.connect()
    late.read()
    time.sleep(0.6)


def writes_after_end(client):
    """Row 2b."""
    late = client.socket()
    late.connect()
    late.read()
    time.sleep(DELAYED_ACK)
    late.write(4)
    late.wait_until_dead()
    late.write(4)


def writes_5000(client):
    """Row 3."""
    half = client.socket(mss=SEGMENT)
    half.connect()
    half.write(5 * SEGMENT)
    half.read()


def aborted(client):
    """Row 3b: a connection that reads, and one that writes. connect() does not wait here: the abort
    may come before it returns."""
    for reads in (True, False):
        made = client.socket(blocking=False)
        made.connect()
        made.wait_until_dead()
        if reads:
            made.poll()
            made.read()
        else:
            made.write(4)
            made.write(4)


def writes_on(client):
    """Row 4."""
    on = client.socket()
    on.connect()
    on.poll()
    on.read()
    time.sleep(DELAYED_ACK)
    on.write(4)
    on.wait_until_dead()
    on.read()
    on.write(4)


def writes_unread(client):
    """Row 4a."""
    unread = client.socket()
    unread.connect()
    with no_longer_than(0.08):
        unread.write(4)
    unread.poll()
    unread.read()


def writes_to_reader(client):
    """Row 4b."""
    half = client.socket(mss=SEGMENT)
    half.connect()
    half.read()
    time.sleep(DELAYED_ACK)
    for _ in range(2):
        half.write(SEGMENT)
        half.wait_until_acked()
    half.shutdown()
    half.wait_until_state("none", "TIME-WAIT")
    half.read()


def writes_after_crash(client):
    """Row 5."""
    old = client.socket()
    old.connect()
    old.write(4)
    old.wait_until_acked()
    client.event()
    old.write(4)
    old.read()


def probes_after_crash(client):
    """Row 5b."""
    idle = client.socket()
    idle.keepalive()
    idle.connect()
    client.event()
    idle.read()


def connects_to_silence(client):
    """Row 6: it asks for the server's Ethernet address first, and is answered."""
    client.event()
    client.forget_neighbour()
    unanswered(client)
    client.ping()


def connects_to_nobody(client):
    """Row 6b: it asks three times."""
    client.place.ask_neighbours_every(client.family, 300)
    client.event()
    client.forget_neighbour()
    client.socket().connect()


def fills(client):
    """Row 7: until it blocks, and then for as long as two probes of the closed window take."""
    full = client.socket(mss=SEGMENT)
    full.connect()
    for _ in range(4):
        full.write(SEGMENT)
        full.wait_until_acked()
    full.fill()
    time.sleep(1.5)
    full.write(SEGMENT)


def resets(client):
    """Row 8: and connects again from the same port, of which the server knows nothing any more."""
    first = client.socket(mss=SEGMENT)
    first.connect()
    first.write(SEGMENT)
    first.wait_until_acked()
    first.linger_0()
    first.close()
    time.sleep(0.4)
    client.socket(local_port=first.local_port).connect()


def closes_first(client):
    """Row 9."""
    made = client.socket()
    made.connect()
    made.write(4)
    made.wait_until_acked()
    made.shutdown()
    made.read()
    made.close()
    made.note_state()


def closes_second(client):
    """Row 9."""
    made = client.socket()
    made.connect()
    made.read()
    time.sleep(DELAYED_ACK)
    made.close()
    made.wait_until_state("none")
    made.note_state()


def closes_meanwhile(client):
    """Row 9: after its request, its FIN waits at its own interface for 180 ms, so that the server's,
    sent after 100, can pass it; the ACK for that one is out before the server sends it again."""
    line = client.place.slow_class("16kbit")
    made = client.socket()
    made.connect()
    made.hold(line)
    made.write(300)
    made.shutdown()
    made.read()
    if made.state() != "CLOSING":
        raise Overslept
    made.wait_until_state("TIME-WAIT", "none")
    time.sleep(0.4)
    made.note_state()
