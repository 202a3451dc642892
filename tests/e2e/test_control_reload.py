# SPDX-License-Identifier: BSD-3-Clause
"""ripostectl reload on the real program: what a new configuration changes, what it leaves alone, and
which one is refused."""
import json
import os
import re
import socket
import threading

import pytest

from control import Control, balanced, end, error_of, wait_for
from lab import SERVER

HOST = 'host {{ owns = {{ "10.9.0.1", "fd09::1"{owns} }} connections = 10000 msl = "100ms" {more} }}\n'
OLD = """
listener "old" { ports = 80 script = { "accept", "read 5", 'write "old"', "close" } }
listener "removed" { ports = 81 script = { "accept", "read all", "close" } }
listener "kept" { ports = 83 script = { "accept", "read all", "close" } backlog = 500 }
"""
NEW = """
listener "kept" { ports = 83 script = { "accept", "read all", "close" } backlog = 500 }
listener "added" { ports = 82 script = { "accept", 'write "added"', "close" } }
listener "new" { ports = 80 script = { "accept", 'write "new"', "read all", "close" } }
"""


def host(owns="", more=""):
    return HOST.format(owns=owns, more=more)


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab(host() + OLD)


@pytest.fixture
def ctl(lab):
    """With the old configuration before and after."""
    made = Control(lab.prefix)
    reload(lab, made, host() + OLD)
    yield made
    reload(lab, made, host() + OLD)


@pytest.fixture(params=(4, 6), ids=("ip4", "ip6"))
def family(request):
    return request.param


def reload(lab, ctl, text):
    lab.riposte.conf.write_text(text, encoding="utf-8")
    return ctl.json("reload")


def received(client):
    """Everything until the end."""
    text = b""
    while more := client.recv(65536):
        text += more
    return text


def serves(lab, family, port=83):
    with lab.connect(port, family) as client:
        client.sendall(b"so long")
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""


def test_what_it_says(lab, ctl):
    assert reload(lab, ctl, host() + NEW) == {"file": str(lab.riposte.conf), "listeners": 3}
    assert [entry["name"] for entry in ctl.json("listeners")] == ["kept", "added", "new"]
    assert ctl.says("reload") == f"{lab.riposte.conf}: 3 listeners\n"


def test_listeners_on_many_pages(lab, ctl):
    """Their texts are long, so that few fit a page."""
    ports = ", ".join(f'"{p}"' for p in range(100, 200, 2))
    reload(lab, ctl, host() + "".join(
        f'listener "a name that is not short, {i}" {{ ports = {{ {ports}, "{1000 + i}" }} '
        'script = { "accept", "read 1", "close" } }\n' for i in range(300)))
    listed = ctl.json("listeners")
    assert [entry["name"] for entry in listed] == \
        [f"a name that is not short, {i}" for i in range(300)]
    assert [entry["number"] for entry in listed] == list(range(300))
    assert all(entry["ports"].startswith("100, 102, 104, ") for entry in listed)
    assert all(entry["script"] == "accept, read 1, close" for entry in listed)


def test_new_listener_serves_and_removed_one_is_gone(lab, ctl, family):
    with lab.socket(family) as client:
        assert error_of(lab.connect_to, client, 82) == "ECONNREFUSED"
    serves(lab, family, 81)
    reload(lab, ctl, host() + NEW)
    with lab.connect(82, family) as client:
        assert received(client) == b"added"
    with lab.connect(80, family) as client:
        assert client.recv(3) == b"new"
    before = ctl.counters()["rst.no_listener"]
    with lab.socket(family) as client:
        assert error_of(lab.connect_to, client, 81) == "ECONNREFUSED"
    assert ctl.counters()["rst.no_listener"] == before + 1
    serves(lab, family)


def test_connections_go_on_with_their_old_script(lab, ctl, family):
    """Of a listener that changed, of one that is gone, of one that is as it was."""
    with lab.connect(80, family) as changed, lab.connect(81, family) as gone, \
            lab.connect(83, family) as kept:
        for each in (changed, gone, kept):
            each.sendall(b"12")
            wait_for(lambda c=each: (now := ctl.connection(c)) and now["unread"] in (0, 2))
        calls = {end(each): ctl.connection(each)["call"] for each in (changed, gone, kept)}
        for text in (NEW, OLD, NEW):
            reload(lab, ctl, host() + text)
            assert calls == {end(each): ctl.connection(each)["call"]
                             for each in (changed, gone, kept)}
        changed.sendall(b"345")
        assert received(changed) == b"old"
        for each in (gone, kept):
            each.sendall(bytes(100000))
            each.shutdown(socket.SHUT_WR)
            assert received(each) == b""


def test_a_connection_that_waits_in_the_queue_of_a_removed_listener(lab, ctl, family):
    reload(lab, ctl, host() + 'listener "never" { ports = 90 script = {} backlog = 1 }\n')
    with lab.connect(90, family) as client:
        client.sendall(b"hello")
        wait_for(lambda: ctl.connection(client)["unread"] == 5)
        reload(lab, ctl, host() + OLD)
        assert ctl.connection(client)["unread"] == 5
        client.sendall(b" again")
        wait_for(lambda: ctl.connection(client)["unread"] == 11)
        # Its listener comes back: that one's queue is its own.
        reload(lab, ctl, host() + 'listener "never" { ports = 90 script = {} backlog = 1 }\n')
        with lab.connect(90, family) as second:
            wait_for(lambda: ctl.connection(second))
    ctl.says("crash")


def test_counters_continue(lab, ctl, family):
    serves(lab, family)
    before = wait_for(lambda: (now := ctl.counters()) and balanced(now) and now)
    reload(lab, ctl, host() + NEW)
    after = ctl.counters()
    assert all(after[name] >= value for name, value in before.items()
               if name not in ("connections", "half_open"))
    serves(lab, family)
    assert ctl.counters()["established"] == before["established"] + 1


def test_addresses_come_and_go(lab, ctl, family):
    other = {4: "10.9.3.7", 6: "fd09::3:7"}[family]
    reload(lab, ctl, host(owns=', "10.9.3.0/24", "fd09::3:0/112"') + OLD)
    with lab.connect(83, family, host=other) as client:
        assert " 0% packet loss" in lab.run("ping", "-c", "1", other)
        reload(lab, ctl, host() + OLD)
        lab.client.run("ip", "neigh", "flush", "dev", "c0")
        with lab.socket(family) as late:
            assert error_of(lab.connect_to, late, 83, other) == "EHOSTUNREACH"
        name = end(client)
    ctl.says("crash")
    assert ctl.connection(name) is None
    serves(lab, family)


def test_the_hosts_keys_take_effect(lab, ctl, family):
    """closed = drop: no RST any more; and back."""
    reload(lab, ctl, host(more="closed = drop") + OLD)
    with lab.socket(family, timeout=1) as client, pytest.raises(TimeoutError):
        lab.connect_to(client, 9)
    reload(lab, ctl, host() + OLD)
    with lab.socket(family) as client:
        assert error_of(lab.connect_to, client, 9) == "ECONNREFUSED"


def test_a_file_to_write_is_read_again(lab, ctl, family):
    """Relative to the configuration; a connection that is being sent the old text gets all of it."""
    path = lab.riposte.conf.parent / "text"
    old, new = os.urandom(3000000), os.urandom(1000000)
    text = host() + 'listener "file" { ports = 91 script = { "accept", "write @text", "close" } }\n'
    path.write_bytes(old)
    reload(lab, ctl, text)
    with lab.connect(91, family) as first:
        begun = first.recv(1000)
        (path.parent / "text.new").write_bytes(new)
        (path.parent / "text.new").rename(path)
        ctl.says("reload")
        with lab.connect(91, family) as second:
            assert received(second) == new
        assert begun + received(first) == old


# --- what is refused ---

WRONG = {
    "syntax": ("listener \"x\" {\nports = 80\n", 2, []),
    "unknown_key": ("listener \"x\" {\nport = 80\n}\n", 3, ["port"]),
    "port_out_of_range": ("listener \"x\" {\nports = 65536\nscript = {}\n}\n", 3, ["65536"]),
    "script": ("listener \"x\" {\nports = 80\nscript = { \"accept\", \"writ\" }\n}\n", 4, ["writ"]),
    "second_host": ("host { owns = \"10.9.0.1\" }\n", 2, ["host"]),
    "never_matches": (OLD.strip() + "\nlistener \"x\" {\nports = 80\nscript = {}\n}\n", 5, []),
    "no_file_to_write": (
        "listener \"x\" {\nports = 80\nscript = { \"accept\", \"write @none\" }\n}\n", 4, ["none"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_configuration_is_refused_with_its_line(lab, ctl, name):
    text, line, words = WRONG[name]
    lab.riposte.conf.write_text(host() + text, encoding="utf-8")
    before = ctl.json("listeners")
    said = ctl.refuses("reload")
    assert said.startswith(f"{lab.riposte.conf}:{line}: "), said
    assert all(word in said for word in words), said
    assert ctl.json("listeners") == before
    for family in (4, 6):
        serves(lab, family)
        serves(lab, family, 81)


def test_a_configuration_that_is_gone_is_refused(lab, ctl):
    lab.riposte.conf.unlink()
    said = ctl.refuses("reload")
    assert said.startswith(f"{lab.riposte.conf}: "), said
    serves(lab, 4)


def test_a_pipe_is_not_waited_for(lab, ctl):
    """Nor would whoever asks next be answered, or riposte end."""
    lab.riposte.conf.unlink()
    os.mkfifo(lab.riposte.conf)
    try:
        said = ctl.refuses("reload")
        assert said.startswith(f"{lab.riposte.conf}: ") and "no file" in said, said
    finally:
        lab.riposte.conf.unlink()
    serves(lab, 4)


FIXED = {"connections": "connections = 20000", "senders": "senders = 100",
         "echo_memory": "echo_memory = 1000000"}


@pytest.mark.parametrize("key", FIXED)
def test_keys_whose_memory_was_taken_at_start_cannot_change(lab, ctl, key):
    text = re.sub("connections = [0-9]+", "", host()) if key == "connections" else host()
    lab.riposte.conf.write_text(text.replace(" }\n", f"\n{FIXED[key]} }}\n") + NEW,
                                encoding="utf-8")
    said = ctl.refuses("reload")
    assert said.startswith(f"{lab.riposte.conf}:2: ") and key in said, said
    serves(lab, 4, 81)


# --- again and again, under load ---

def test_20_reloads_lose_no_packet(lab, ctl):
    """Pings and connections go on meanwhile. Every frame that the client's interface sent has been
    counted, and every frame made has come."""
    stop, failed, done = threading.Event(), [], []

    def knock(family):
        while not stop.is_set():
            try:
                serves(lab, family)
                done.append(family)
            except OSError as error:
                failed.append(error)

    before = frames(lab, ctl)
    threads = [threading.Thread(target=knock, args=(family,)) for family in (4, 6)]
    for thread in threads:
        thread.start()
    pings = {}

    def ping(family):
        pings[family] = lab.run("ping", "-i", "0.01", "-c", "500", "-q", SERVER[family])

    pingers = [threading.Thread(target=ping, args=(family,)) for family in (4, 6)]
    for thread in pingers:
        thread.start()
    for i in range(20):
        reload(lab, ctl, host() + (OLD, NEW)[i % 2])
    for thread in pingers:
        thread.join(60)
    stop.set()
    for thread in threads:
        thread.join(60)
    assert not failed and {4, 6} <= set(done)
    assert all(" 0% packet loss" in said for said in pings.values()), pings
    after = frames(lab, ctl)
    sent, came, rx, tx, missed, dropped = [b - a for a, b in zip(before, after)]
    assert (missed, dropped) == (0, 0)
    assert rx == sent > 1000 and tx == came > 1000


def frames(lab, ctl):
    """What the client's interface has sent and received, and riposte received and sent, missed and
    dropped, once all is quiet."""
    def look():
        link, = json.loads(lab.client.run("ip", "-s", "-j", "link", "show", "c0"))
        now = ctl.counters()
        return (link["stats64"]["tx"]["packets"], link["stats64"]["rx"]["packets"],
                *(now[name] for name in ("rx", "tx", "rx_missed", "tx_dropped")))

    return wait_for(lambda: look() == (now := look()) and now)


def memory(lab):
    """KiB that riposte has used of its own: a stack that telemetry's threads left counts as little as it
    was used."""
    with open(f"/proc/{lab.riposte.process.pid}/status", encoding="ascii") as file:
        return int(re.search(r"^RssAnon:\s+(\d+) kB$", file.read(), re.MULTILINE)[1])


def test_200_reloads_take_no_memory(make_lab, monkeypatch):
    """With many listeners, long scripts and texts, so that one lost configuration would show."""
    # The sanitizer keeps back what is freed, and that would show as well.
    monkeypatch.setenv("ASAN_OPTIONS", f"{os.environ['ASAN_OPTIONS']}:quarantine_size_mb=0"
                                       ":thread_local_quarantine_size_kb=0")
    lab = make_lab(host() + OLD)
    ctl = Control(lab.prefix)
    text = host() + "".join(
        f'listener "l{i}" {{ ports = {1000 + i} script = {{ "accept", \'write "{"x" * 4000}"\', '
        f'{", ".join(["read 1"] * 20)}, "close" }} }}\n'.replace("read 1", '"read 1"')
        for i in range(20)) + OLD
    reload(lab, ctl, text)
    ctl.ask("/riposte/reload", 20)
    before = memory(lab)
    for i in range(10):
        assert ctl.ask("/riposte/reload", 20)["listeners"] == 23
        serves(lab, 4 if i % 2 else 6)
    # 200 of them are 16 MiB of text alone.
    assert memory(lab) - before < 4096
    with lab.connect(1019) as client:
        assert client.recv(1) == b"x"


def test_connections_of_20_configurations(lab, ctl, family):
    """Each ends as its own configuration said."""
    clients = []
    for i in range(20):
        reload(lab, ctl, host() + f'listener "l" {{ ports = 80 script = {{ "accept", "read 1", '
                                  f"'write \"{i}\"', \"close\" }} }}\n")
        clients.append(lab.connect(80, family))
        wait_for(lambda: ctl.connection(clients[-1]))
    for i in (*range(0, 20, 2), *range(19, 0, -2)):
        with clients[i] as client:
            client.sendall(b"?")
            assert received(client) == str(i).encode()
