# SPDX-License-Identifier: BSD-3-Clause
"""Linux as the second opinion: the same script on riposte and, by scripthost.py, on the sockets of a
Linux kernel, and the same client with both. What the client's calls return has to be the same, and so
have the flags, sequence and acknowledgement numbers and lengths on its cable, each side's in its
order. Where riposte differs by a decision, a mask names it; a mask that nothing needs fails.

A scenario is a function that is a client's program. It goes step by step, so that what each side had
seen before it went on is no race."""
import concurrent.futures
import dataclasses
import os

import pytest

import linuxhost
from lab import SERVER
from opinions import (Client, Mask, agree, without_overtaken_acks,
                      without_text_and_its_acks)
from scripthost import ScriptHost
from segments import RST

D13 = Mask("D-13", "rules.md section 4, D-13: no delayed ACK, one per connection and burst; Linux "
           "waits up to 40 ms for something to send it with", without_overtaken_acks)

D23 = Mask("D-23", "rules.md section 4, D-23: the window is receive_buffer less what is unread, to the "
           "byte; how much Linux takes depends on how it comes", without_text_and_its_acks, both=True)

BLOB = bytes(range(256)) * 400  # 102,400 bytes
CONF = 'host { owns = { "10.9.0.1", "fd09::1" } connections = 1000 }\n'
FAMILIES = (4, 6)
# All that the client sends, its program and its kernel, is sent by one CPU and received by one: a
# veth does not keep the order of two.
CPU = min(os.sched_getaffinity(0))


@dataclasses.dataclass
class Scenario:
    """port: of IPv4; IPv6 has another, so that their accept queues are two. Without a script nobody
    listens."""
    name: str
    script: tuple
    program: object
    stream: bool
    backlog: int
    masks: tuple
    port: int

    def listener(self, family):
        return {"port": self.port + 1000 * family, "family": family, "script": list(self.script),
                "backlog": self.backlog}

    def conf(self, family):
        calls = ", ".join(quoted(call) for call in self.script)
        return (f'listener "{self.name}-{family}" {{ ports = {{ "{self.port + 1000 * family}" }} '
                f"script = {{ {calls} }} backlog = {self.backlog} }}\n")


SCENARIOS = []


def scenario(*script, listens=True, stream=False, backlog=20, masks=()):
    """The decorated program is played with a server of that script."""
    def add(program):
        SCENARIOS.append(Scenario(program.__name__, script if listens else None, program, stream,
                                  backlog, (D13, *masks), 1 + len(SCENARIOS)))
        return program
    return add


def quoted(call):
    """A call as the configuration spells it."""
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\r", "\\r"), ("\n", "\\n")):
        call = call.replace(plain, escaped)
    return f'"{call}"'


@scenario(listens=False)
def nobody_listens(c):
    c.connect()


@scenario("accept", "timeout 200ms", "read", "close")
def server_tires_of_reading(c):
    c.connect()
    c.poll("POLLIN")
    c.recv()
    c.send(b"late")
    c.poll("POLLHUP")
    c.send(b"more")


@scenario("accept", "timeout 500ms", "read 10", "close")
def server_tires_in_the_middle(c):
    c.connect()
    c.send(b"abc")
    c.settled()
    c.recv()


@scenario("accept", "timeout 500ms", "read all", "close")
def server_tires_of_reading_on(c):
    c.connect()
    c.send(b"abc")
    c.settled()
    c.recv()
    c.shutdown()


@scenario("accept", "timeout 10s", "read 3", "read", "close")
def server_is_not_tired_yet(c):
    c.connect()
    c.send(b"abc")
    c.settled()
    c.send(b"d")
    c.recv()


@scenario("accept", "read 4096", "close")
def half_read(c):
    """The text that completes the read leaves 904 bytes behind."""
    c.connect()
    c.send(bytes(4095))
    c.settled()
    c.send(bytes(905))
    c.poll("POLLHUP")
    c.recv()
    c.recv()


@scenario("accept", "sleep 500ms", "read 4096", "close")
def half_read_of_what_was_there(c):
    c.connect()
    c.send(bytes(5000))
    c.poll("POLLHUP")
    c.recv()


@scenario("accept", "read 4096", "close")
def all_read(c):
    c.connect()
    c.send(bytes(4095))
    c.settled()
    c.send(b"x")
    c.recv()
    c.shutdown()


@scenario("accept", "read 4096", "close")
def read_cut_short_by_a_fin(c):
    c.connect()
    c.send(bytes(100))
    c.settled()
    c.shutdown()
    c.recv()


@scenario("accept", "read 1", "linger 0", "close")
def abort_and_read(c):
    c.connect()
    c.send(b"x")
    c.poll("POLLHUP")
    c.recv()
    c.recv()
    c.send(b"x")


@scenario("accept", "read 1", "linger 0", "close")
def abort_and_write(c):
    c.connect()
    c.send(b"x")
    c.poll("POLLHUP")
    c.send(b"x")
    c.send(b"x")
    c.recv()


@scenario("accept", "sleep 300ms", "linger 0", "close")
def abort_of_the_idle(c):
    c.connect()
    c.poll("POLLHUP")
    c.error()
    c.recv()


@scenario("accept", "close")
def close_at_once_and_write_on(c):
    c.connect()
    c.poll("POLLIN")
    c.recv()
    c.send(b"x")
    c.poll("POLLHUP")
    c.recv()
    c.send(b"x")


@scenario("accept", "close")
def close_at_once_and_orderly(c):
    c.connect()
    c.poll("POLLRDHUP")
    c.recv()
    c.shutdown()
    c.poll("POLLHUP")
    c.error()


@scenario("accept", "close")
def close_at_once_and_text_with_a_fin(c):
    """The text behind the server's FIN draws RST."""
    c.connect()
    c.recv()
    c.send_with_fin(b"too late")
    c.poll("POLLHUP")


@scenario("accept", "read all", "close")
def text_with_a_fin(c):
    c.connect()
    c.send_with_fin(b"so long")
    c.recv()


@scenario("accept", "read 3", "close")
def unread_text_with_a_fin(c):
    c.connect()
    c.send_with_fin(b"so long")
    c.poll("POLLHUP")
    c.recv()


@scenario("accept", "read 1", "close")
def unread(c):
    c.connect()
    c.send(b"ab")
    c.poll("POLLHUP")
    c.recv()


@scenario("accept", "sleep 500ms", "close")
def unread_after_a_sleep(c):
    c.connect()
    c.send(b"never read")
    c.settled()
    c.poll("POLLIN")
    c.recv()


@scenario("accept", "sleep 500ms", "close")
def unread_behind_a_fin(c):
    c.connect()
    c.send(b"never read")
    c.shutdown()
    c.recv()


@scenario("accept", "sleep 500ms", "close")
def fin_during_a_sleep(c):
    c.connect()
    c.shutdown()
    c.recv()


@scenario("accept", "sleep 500ms", "read", "close")
def text_during_a_sleep(c):
    c.connect()
    c.send(b"one")
    c.settled()
    c.send(b"two")
    c.recv()


@scenario("accept", "shutdown", "read all", "close")
def half_close(c):
    c.connect()
    c.recv()
    c.send(b"still")
    c.settled()
    c.send(b"listening")
    c.settled()
    c.shutdown()
    c.recv()
    c.error()


@scenario("accept", "shutdown", "read 1", "close")
def half_close_with_unread_text(c):
    c.connect()
    c.recv()
    c.send(b"ab")
    c.poll("POLLHUP")
    c.recv()
    c.send(b"x")


@scenario("accept", "linger 0", "shutdown", "read 1", "close")
def abort_of_the_half_closed(c):
    c.connect()
    c.recv()
    c.send(b"a")
    c.poll("POLLHUP")
    c.send(b"x")


@scenario("accept", "linger 0", "shutdown", "read all", "close")
def abort_in_time_wait(c):
    """Nothing is sent any more."""
    c.connect()
    c.recv()
    c.shutdown()
    c.poll("POLLHUP")
    c.error()


@scenario("accept", "read all", "linger 0", "close")
def abort_after_the_fin(c):
    c.connect()
    c.send(b"so long")
    c.shutdown()
    c.poll("POLLHUP")
    c.recv()


@scenario("accept", "read", "linger 0")
def linger_and_exit(c):
    c.connect()
    c.send(b"a")
    c.poll("POLLHUP")
    c.recv()


@scenario(backlog=2)
def nobody_accepts(c):
    """What waits in the queue is acknowledged all the same, and its FIN."""
    c.connect()
    c.send(b"hello")
    c.settled()
    c.shutdown()
    c.until(lambda wire: not wire[-1].from_client and wire[-1].ack == 7, "the FIN is acknowledged")


@scenario(backlog=3)
def queue_is_full(c):
    for _ in range(3):
        c.another()
    c.connect(timeout=1.5)


@scenario("sleep 300ms")
def exit_without_accept(c):
    c.connect()
    c.poll("POLLHUP")
    c.recv()


@scenario("accept", "hang")
def reset_is_received(c):
    c.connect()
    c.send(bytes(1000))
    c.settled()
    c.abort()


@scenario("accept", "hang")
def fin_and_nobody_reads(c):
    c.connect()
    c.send(b"hello")
    c.settled()
    c.close()


@scenario("accept", "read all", "close")
def client_closes_first(c):
    c.connect()
    c.send(b"one")
    c.settled()
    c.send(b"two")
    c.settled()
    c.shutdown()
    c.recv()
    c.error()


@scenario("accept", "sleep 1s", "read all", "close", stream=True)
def window_closes_and_opens(c):
    c.connect()
    c.send_all(bytes(300000))
    c.shutdown()
    c.recv()


@scenario("accept", "hang", stream=True, masks=(D23,))
def window_closes_for_good(c):
    c.connect()
    c.fill()
    c.until(lambda wire: wire[-1].window == 0 and not wire[-1].from_client, "a probe is answered")
    c.fill()
    c.send(b"x")


@scenario("accept", "read 3")
def exit_with_all_read(c):
    c.connect()
    c.send(b"abc")
    c.recv()


@scenario("accept", "read 3")
def exit_with_unread_text(c):
    c.connect()
    c.send(b"abcd")
    c.poll("POLLHUP")
    c.recv()


@scenario("accept", 'write "hello"', "close")
def write_and_close(c):
    c.connect()
    c.recv_all()
    c.shutdown()
    c.poll("POLLHUP")
    c.error()


@scenario("accept", 'write "hello"', "hang")
def write_and_hang(c):
    c.connect()
    c.recv()
    c.abort()


@scenario("accept", 'write "one"', 'write "two"', "close", stream=True)
def two_writes(c):
    c.connect()
    c.recv_exactly(6)
    c.recv()


@scenario("accept", "read 4", 'write "HTTP/1.0 200 OK\r\n\r\nhello"', "close")
def request_and_answer(c):
    c.connect()
    c.send(b"GET ")
    c.recv_all()


@scenario("accept", "read 1", 'write "a"', "read 1", 'write "bc"', "read 1", "sleep 20ms", 'write "d"',
          "read 1", "close")
def questions_and_answers(c):
    """Each answer acknowledges its question; after a sleep, Linux's alone does."""
    c.connect()
    for size in (1, 2, 1):
        c.send(b"?")
        c.recv_exactly(size)
    c.send(b".")
    c.recv()


@scenario("accept", 'write "hello"', "shutdown", "read all", "close")
def write_and_half_close(c):
    c.connect()
    c.recv_exactly(5)
    c.recv()
    c.send(b"thanks")
    c.settled()
    c.shutdown()
    c.poll("POLLHUP")
    c.error()


@scenario("accept", "read 1", 'write "hello"', "read 1", "linger 0", "close")
def write_and_abort(c):
    """What was received before the RST is still read."""
    c.connect()
    c.send(b"a")
    c.poll("POLLIN")
    c.send(b"b")
    c.poll("POLLHUP")
    c.recv()
    c.recv()


@scenario("accept", "read 1", 'write "hello"', "read 1", "close")
def write_with_unread_text(c):
    """RST behind the text, no FIN."""
    c.connect()
    c.send(b"a")
    c.poll("POLLIN")
    c.send(b"bc")
    c.poll("POLLHUP")
    c.recv()
    c.recv()


@scenario("accept", 'write "hello"', "close")
def write_and_the_client_writes_on(c):
    c.connect()
    c.poll("POLLRDHUP")
    c.send(b"x")
    c.poll("POLLHUP")
    c.recv_all()
    c.send(b"x")


@scenario("accept", "read all", 'write "so long"', "close")
def write_after_the_fin(c):
    c.connect()
    c.send(b"bye")
    c.shutdown()
    c.recv_all()
    c.error()


@scenario("accept", "read all", "sleep 500ms", 'write "anybody there?"', "hang")
def write_to_a_closed_socket(c):
    """It draws RST."""
    c.connect()
    c.send(b"bye")
    c.settled()
    c.close()
    c.until(lambda wire: wire[-1].flags & RST, "the client's kernel resets")


@scenario("accept", "read all", "sleep 500ms", 'write "one"', "sleep 100ms", 'write "two"', "close")
def write_after_a_reset(c):
    """Nothing more is sent."""
    c.connect()
    c.send(b"bye")
    c.settled()
    c.close()
    c.until(lambda wire: wire[-1].flags & RST, "the client's kernel resets")


@scenario("accept", "write @blob", "close", stream=True)
def write_much(c):
    c.connect()
    c.recv_all()
    c.shutdown()
    c.poll("POLLHUP")


@scenario("accept", "write @blob", "write @blob", "shutdown", "read all", "close", stream=True)
def write_much_and_half_close(c):
    c.connect()
    c.recv_all()
    c.send_all(bytes(10000))
    c.shutdown()
    c.poll("POLLHUP")


@scenario("accept", "read all", "write @blob", 'write "end"', "close", stream=True)
def write_much_after_the_fin(c):
    c.connect()
    c.shutdown()
    c.recv_all()


@scenario("accept", "write @blob", "write @blob", "write @blob", "close", stream=True)
def write_to_a_closed_window(c):
    """The client reads nothing until its window has closed."""
    c.small_window()
    c.connect()
    c.until(lambda wire: any(one.from_client and one.window == 0 for one in wire), "it is closed")
    c.pause(0.5)
    c.recv_all()


@scenario("accept", "echo", "close")
def echo(c):
    c.connect()
    for text in (b"one", b"two", b"three"):
        c.send(text)
        c.recv_exactly(len(text))
        c.until(lambda wire: not wire[-1].text_from_server, "the echo is acknowledged")
    c.shutdown()
    c.recv()
    c.error()


@scenario("accept", "echo", "close")
def echo_of_nothing(c):
    c.connect()
    c.shutdown()
    c.recv()


@scenario("accept", "echo", "close")
def echo_of_text_with_a_fin(c):
    c.connect()
    c.send_with_fin(b"so long")
    c.recv_all()


@scenario("accept", "read 2", "echo")
def echo_of_the_rest(c):
    c.connect()
    c.send(b"abcd")
    c.recv_exactly(2)
    c.until(lambda wire: not wire[-1].text_from_server, "the echo is acknowledged")
    c.shutdown()
    c.recv()


@scenario("accept", "echo", "close", stream=True)
def echo_much(c):
    c.connect()
    c.exchange(BLOB * 2)


@scenario("accept", "timeout 500ms", "echo", "close")
def echo_tires(c):
    c.connect()
    c.send(b"abc")
    c.recv_exactly(3)
    c.recv()


@pytest.fixture(scope="module")
def servers(make_lab, directory):
    """riposte on one cable of the client, and the scripts on a kernel's sockets on the other."""
    (directory / "lab1").mkdir(parents=True, exist_ok=True)
    (directory / "lab1" / "blob").write_bytes(BLOB)
    listening = [(one, family) for one in SCENARIOS if one.script is not None for family in FAMILIES]
    lab = make_lab(CONF + "".join(one.conf(family) for one, family in listening))
    host = linuxhost.LinuxHost(lab.client, {})
    for netns in (lab.client, host.netns):
        with netns.inside():
            like_riposte(netns)
    for netns, name in ((lab.client, "c0"), (lab.nic, "n0"), (lab.client, "k0"), (host.netns, "h0")):
        netns.run("sh", "-c", f"echo {1 << CPU:x} >/sys/class/net/{name}/queues/rx-0/rps_cpus")
    scripts = ScriptHost(host.netns, [one.listener(family) for one, family in listening],
                         lab.riposte.directory)
    yield {"c0": (lab.client, SERVER), "k0": (lab.client, linuxhost.ADDRESS)}
    scripts.close()
    host.close()


def like_riposte(netns):
    """rules.md section 10, and no cleverness: RFC 5681 alone, no probes of a tail, no corking."""
    for name, value in (("tcp_invalid_ratelimit", 0), ("tcp_congestion_control", "reno"),
                        ("tcp_early_retrans", 0), ("tcp_autocorking", 0),
                        ("tcp_no_metrics_save", 1)):
        netns.sysctl(f"net/ipv4/{name}", value)


def play(one, family, interface, server):
    os.sched_setaffinity(0, {CPU})  # of this thread
    netns, addresses = server
    client = Client(netns, interface, family, (addresses[family], one.port + 1000 * family))
    one.program(client)
    return client


used = set()


@pytest.mark.parametrize("family", FAMILIES, ids=("ip4", "ip6"))
@pytest.mark.parametrize("one", SCENARIOS, ids=lambda one: one.name)
def test_same_as_linux(servers, one, family):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        clients = list(pool.map(lambda server: play(one, family, *server), servers.items()))
    try:
        assert clients[0].seen == clients[1].seen
        used.update(agree(clients, one.stream, one.masks))
    finally:
        for client in clients:
            client.end()


def test_every_mask_is_needed():
    """A decision that makes no difference is no excuse. Needs the whole file to have run."""
    named = {mask for one in SCENARIOS for mask in one.masks}
    assert {mask.name for mask in named - used} == set()
