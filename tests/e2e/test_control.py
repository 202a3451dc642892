# SPDX-License-Identifier: BSD-3-Clause
"""ripostectl and the real program: what can be seen of a riposte that runs. That every riposte ends
with counters that balance is asked in responder.py."""
import contextlib
import json
import shutil
import socket
import struct
import subprocess
import threading
import time

import pytest

from control import Control, balanced, end, error_of, unsent, wait_for
from lab import SERVER
from talk import Talk

CONF = """
host { owns = { "10.9.0.1", "10.9.1.0/24", "fd09::1" } connections = 10000 msl = "100ms" }
listener "hang" { ports = 80 script = { "accept", "hang" } backlog = 1000 }
listener "reader" {
    ports = { "81", "10000-10099" }
    on = { "10.9.0.1", "fd09::1" }
    script = { "accept", "read 4096", "close" }
}
listener "never" { ports = 82 script = {} backlog = 3 }
listener "polite" { ports = 83 script = { "accept", "read all", "close" } }
listener "writer" { ports = 84 script = { "accept", 'write "hello"', "hang" } }
"""
COMMANDS = ("counters", "listeners", "connections", "workers", "crash", "down", "up", "reload",
            "call")


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab(CONF)


@pytest.fixture(scope="module")
def ctl(lab):
    return Control(lab.prefix)


@pytest.fixture(params=(4, 6), ids=("ip4", "ip6"))
def family(request):
    return request.param


def refused(lab, family):
    with lab.socket(family) as client:
        assert error_of(lab.connect_to, client, 9) == "ECONNREFUSED"


def polite(lab, family):
    with lab.connect(83, family) as client:
        client.sendall(b"so long")
        client.shutdown(1)
        assert client.recv(1) == b""


def test_counters_balance_while_it_runs(lab, ctl, family):
    before = ctl.json("counters")
    for _ in range(5):
        refused(lab, family)
    polite(lab, family)
    lab.run("ping", "-c", "1", SERVER[family])
    after = wait_for(lambda: (now := ctl.counters()) and balanced(now) and now)
    assert after["rst.no_listener"] - before["rst.no_listener"] == 5
    assert after["established"] - before["established"] == 1
    assert after["rx"] - before["rx"] >= 5 + 5 + 1
    assert all(after[name] >= value for name, value in before.items()
               if name not in ("connections", "half_open"))


def test_counters_are_those_of_the_end(make_lab):
    """Once the cable is out and every timer has run off, nothing counts any more."""
    lab = make_lab(CONF)
    ctl = Control(lab.prefix)
    for family in (4, 6):
        refused(lab, family)
        polite(lab, family)
    wait_for(lambda: ctl.counters()["connections"] == 0)
    lab.client.run("ip", "link", "set", "c0", "down")
    said = wait_for(lambda: ctl.json("counters") == (now := ctl.json("counters")) and now)
    assert balanced(said) and said["rx_missed"] == said["tx_dropped"] == said["half_open"] == 0
    printed = ctl.says("counters", "--all")
    assert list(said) == [line.split(":")[0] for line in printed.splitlines()]
    counters = lab.riposte.stop()
    assert {name: value for name, value in said.items() if value} == counters
    assert [name for name in said if name in counters] == list(counters)


def test_listeners_say_what_the_configuration_says(ctl):
    listeners = ctl.json("listeners")
    assert [(entry["name"], entry["ports"], entry["script"]) for entry in listeners] == [
        ("hang", "80", "accept, hang"),
        ("reader", "81, 10000-10099", "accept, read 4096, close"),
        ("never", "82", ""),
        ("polite", "83", "accept, read all, close"),
        ("writer", "84", 'accept, write "hello", hang')]
    assert [entry["on"] for entry in listeners] == [
        "everything owned", "10.9.0.1, fd09::1", *["everything owned"] * 3]
    assert len({entry["number"] for entry in listeners}) == 5
    assert [line.split()[1] for line in ctl.says("listeners").splitlines()] == [
        "NAME", "hang", "reader", "never", "polite", "writer"]


def test_listeners_count_taken_waiting_alive(lab, ctl, family):
    before = ctl.listener("hang"), ctl.listener("never"), ctl.listener("polite")
    with lab.connect(80, family), lab.connect(82, family):
        polite(lab, family)
        after = wait_for(lambda: (now := ctl.listener("never"))["waiting"] and now)
        assert (after["waiting"], after["alive"], after["taken"]) == \
            (before[1]["waiting"] + 1, before[1]["alive"] + 1, before[1]["taken"] + 1)
        hang = wait_for(lambda: (now := ctl.listener("hang"))["waiting"] == 0 and now)
        assert (hang["alive"], hang["taken"]) == (before[0]["alive"] + 1, before[0]["taken"] + 1)
        assert ctl.listener("polite")["taken"] == before[2]["taken"] + 1
    lab.run("ping", "-c", "1", SERVER[family])
    # They are orphans of the client's now, and stay: their applications never close.
    assert ctl.listener("hang")["alive"] == before[0]["alive"] + 1


def abort(client):
    """No connection is left of it at either end."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def test_connection_with_what_is_unread(lab, ctl, family):
    client = lab.connect(80, family)
    client.sendall(b"12345")
    said = wait_for(lambda: (now := ctl.connection(client)) and now["unread"] == 5 and now)
    server = f"[{SERVER[6]}]:80" if family == 6 else f"{SERVER[4]}:80"
    assert said == {"client": end(client), "server": server, "state": "ESTABLISHED",
                    "listener": "hang", "call": "hang", "unread": 5, "unacked": 0, "worker": 0}
    line = next(line for line in ctl.says("connections").splitlines() if end(client) in line)
    assert line.split() == [end(client), server, "ESTABLISHED", "hang", "5", "0", "0", "hang"]
    client.shutdown(1)
    wait_for(lambda: ctl.connection(client)["state"] == "CLOSE-WAIT")
    assert ctl.connection(client)["unread"] == 5
    abort(client)
    wait_for(lambda: ctl.connection(said["client"]) is None)


def test_connection_that_waits_for_more(lab, ctl, family):
    client = lab.connect(81, family)
    client.sendall(bytes(4095))
    # A read takes what comes, and goes on waiting for the rest.
    wait_for(lambda: unsent(client) == 0)
    said = ctl.connection(client)
    assert (said["listener"], said["call"], said["unread"]) == ("reader", "read 4096", 0)
    client.sendall(b"x")
    assert client.recv(1) == b""
    assert ctl.connection(client)["state"] in ("FIN-WAIT-1", "FIN-WAIT-2")
    name = end(client)
    client.close()
    wait_for(lambda: ctl.connection(name) is None)


def test_connection_half_open(lab, ctl, family):
    talk = Talk.begin(lab, family, 46000 + family, 80)
    before = ctl.counters()["half_open"]
    talk.send("S seq 0")
    talk.next()
    assert ctl.connection(talk.name)["state"] == "SYN-RECEIVED"
    assert ctl.counters()["half_open"] == before + 1
    talk.send("R seq 1")
    wait_for(lambda: ctl.connection(talk.name) is None)
    assert ctl.counters()["half_open"] == before
    talk.close()


def test_connection_with_what_is_unacknowledged(lab, ctl, family):
    talk = Talk.begin(lab, family, 46100 + family, 84)
    talk.connect()
    came, _ = talk.next()
    assert came.startswith("PA seq 1 ack 1 len 5 "), came
    assert ctl.connection(talk.name)["unacked"] == 5
    talk.send("A seq 1 ack 6")
    said = wait_for(lambda: (now := ctl.connection(talk.name))["unacked"] == 0 and now)
    assert (said["state"], said["call"]) == ("ESTABLISHED", "hang")
    talk.send("R seq 1")
    wait_for(lambda: ctl.connection(talk.name) is None)
    talk.close()


def test_500_connections_on_all_pages(lab, ctl):
    others = {(entry["client"], entry["server"]) for entry in ctl.json("connections")}
    clients = [lab.connect(80, *((6,) if i % 2 else (4, f"10.9.1.{i % 250}")))
               for i in range(500)]
    wait_for(lambda: ctl.listener("hang")["waiting"] == 0)
    listed = [(entry["client"], entry["server"]) for entry in ctl.json("connections")]
    ends = sorted(ends for ends in listed if ends not in others)
    assert ends == sorted((end(client), peer(client)) for client in clients)
    assert ctl.counters()["connections"] == len(others) + 500
    for client in clients:
        abort(client)
    wait_for(lambda: ctl.counters()["connections"] <= len(others))


def peer(client):
    host, port = client.getpeername()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def test_workers_are_the_sum(lab, ctl):
    wait_for(lambda: balanced(ctl.counters()))
    worker, = ctl.json("workers")
    assert (worker["worker"], worker["lcore"], worker["queue"]) == (0, 0, 0)
    assert worker["device"] == "net_af_packet0"
    counters = ctl.counters()
    for name in ("rx", "answered", "consumed", "tx"):
        assert 0 < worker[name] <= counters[name]
    assert worker["rx"] == worker["answered"] + worker["consumed"] + worker["dropped"]
    assert ctl.says("workers").splitlines()[1].split()[2] == "net_af_packet0"


def test_top_shows_what_happens(lab, ctl, family):
    stop = threading.Event()

    def knock():
        while not stop.is_set():
            refused(lab, family)

    thread = threading.Thread(target=knock)
    thread.start()
    try:
        said = [json.loads(line) for line in ctl.says(
            "top", "--count", "3", "--interval", "0.5", "--json").splitlines()]
        text = ctl.says("top", "--count", "1", "--interval", "0.5")
    finally:
        stop.set()
        thread.join()
    assert len(said) == 3
    for screen in said:
        assert screen["seconds"] >= 0.5
        rst = {row["reason"]: row["rate"] for row in screen["rst"]}
        assert rst["no_listener"] > 0 and rst["no_listener"] == screen["rates"]["rst.no_listener"]
        assert screen["rates"]["rx"] >= rst["no_listener"]
        assert screen["workers"][0]["rx"] > 0
    for word in ("WORKER", "LISTENER", "RST", "no_listener", "net_af_packet0", "polite"):
        assert word in text


def test_top_ends_with_riposte(make_lab):
    lab = make_lab(CONF)
    ctl = Control(lab.prefix)
    ended = []
    thread = threading.Thread(target=lambda: ended.append(ctl.run("top", "--interval", "0.1")))
    thread.start()
    time.sleep(1)
    lab.riposte.stop()
    thread.join(30)
    assert ended and ended[0].returncode == 1
    assert ended[0].stderr in (
        f"ripostectl: riposte ({lab.prefix}) has ended\n", "ripostectl: riposte is ending\n",
        "ripostectl: riposte is just starting or ending; once it runs would be right\n")
    assert "no riposte with the file prefix" in ctl.refuses("counters")


def test_ripostectl_finds_the_only_one_or_says_which(lab, make_lab):
    """Without a file prefix; others may be running beside this test."""
    second = make_lab(CONF)
    ctl = Control("")
    said = ctl.refuses("counters")
    for each in (lab, second):
        assert f"{each.prefix} (pid " in said
    assert "--file-prefix" in said
    assert "rx: " in ctl.says("counters", "--file-prefix", second.prefix)


def test_ten_at_once_and_no_more(lab, ctl):
    """DPDK talks to ten. The eleventh is told, and riposte is none the worse."""
    path = f"/var/run/dpdk/{lab.prefix}/dpdk_telemetry.v2"
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            client = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
            client.connect(path)
            assert client.recv(1024)
        assert "ten" in ctl.refuses("counters")
    wait_for(lambda: ctl.run("counters").returncode == 0)


def test_rude_clients(lab, ctl):
    """They come and go, and do not wait for answers."""
    path = f"/var/run/dpdk/{lab.prefix}/dpdk_telemetry.v2"
    for request in (b"", b"/riposte/counters", b"/riposte/connections", b"/riposte/reload", b",",
                    b"/riposte/call," + b"x" * 1000, b"/riposte/call,,,,", b"\0", b"\xff" * 900) * 3:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
            client.connect(path)
            # Of those before it so many may be there still that DPDK has hung up already.
            with contextlib.suppress(BrokenPipeError):
                if request:
                    client.send(request)
    wait_for(lambda: ctl.run("counters").returncode == 0)
    lab.run("ping", "-c", "1", SERVER[4])


def test_everything_at_once(lab, ctl):
    """Several look and interfere, clients come and go: every command is answered."""
    stop, failed = threading.Event(), []

    def repeat(action):
        while not stop.is_set():
            try:
                action()
            except (AssertionError, TimeoutError) as error:
                failed.append(error)
                return
            except OSError:
                pass  # a client whose connection a crash has ended

    def knock():
        with lab.connect(83, timeout=3) as client:
            client.sendall(b"x")
            client.shutdown(socket.SHUT_WR)
            with contextlib.suppress(TimeoutError):
                client.recv(1)

    threads = [threading.Thread(target=repeat, args=(action,)) for action in (
        knock, knock, lambda: ctl.says("crash"), lambda: ctl.says("reload"),
        lambda: ctl.says("connections"), lambda: ctl.says("listeners"), lambda: ctl.says("up"))]
    for thread in threads:
        thread.start()
    time.sleep(5)
    stop.set()
    for thread in threads:
        thread.join(60)
    assert not failed, failed
    polite(lab, 4)
    assert wait_for(lambda: balanced(ctl.counters()))


@pytest.fixture(scope="module")
def telemetry(lab):
    """telemetry(requests...) is what DPDK's own client gets."""
    program = shutil.which("dpdk-telemetry.py")
    assert program, "dpdk-telemetry.py is in the package dpdk-dev"

    def ask(*requests):
        run = subprocess.run(["/usr/bin/python3", program, "-f", lab.prefix],
                             input="".join(f"{request}\n" for request in (*requests, "quit")),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                             check=False)
        assert run.returncode == 0, run.stderr
        return [json.loads(line) for line in run.stdout.splitlines()]

    return ask


def test_dpdk_telemetry_py(telemetry, ctl):
    commands, counters, listeners, _, up = telemetry(
        "/", "/riposte/counters", "/riposte/listeners", "/riposte/connections,0", "/riposte/up")
    assert {f"/riposte/{name}" for name in COMMANDS} <= set(commands["/"])
    counters = counters["/riposte/counters"]
    assert counters["rx"] > 0
    assert {name.replace("/", ".") for name in counters} == set(ctl.counters())
    assert [entry["name"] for entry in listeners["/riposte/listeners"]][0] == "hang"
    assert up == {"/riposte/up": {"state": "up"}}


def test_every_command_explains_itself(telemetry):
    for name, said in zip(COMMANDS, telemetry(*(f"/help,/riposte/{name}" for name in COMMANDS))):
        assert said["/help"][f"/riposte/{name}"], name


WRONG = ("/riposte/down,soon", "/riposte/connections,-1",
         "/riposte/connections,first", "/riposte/listeners,1x", "/riposte/call",
         "/riposte/call,10.9.0.2", "/riposte/call,10.9.0.2,4711,80",
         "/riposte/call,10.9.0,4711,80,close", "/riposte/call,10.9.0.2,0,80,close",
         "/riposte/call,10.9.0.2,65536,80,close", "/riposte/call,10.9.0.2,4711,0,close",
         "/riposte/call,10.9.0.2,4711,10.9.0.1,close", "/riposte/call,fd09::2,4711,[fd09::1:80,x",
         "/riposte/call,10.9.0.2,4711,[fd09::1]:80,close")


def test_wrong_parameters_are_refused(lab, telemetry):
    for request, said in zip(WRONG, telemetry(*WRONG)):
        command = request.split(",")[0]
        assert said[command] and said[command]["error"], f"{request}: {said}"
    lab.run("ping", "-c", "1", SERVER[4])


def test_pages_past_the_end_are_empty(telemetry):
    for said in telemetry("/riposte/connections,1000000", "/riposte/listeners,5",
                          "/riposte/connections,4294967295", "/riposte/listeners,65536"):
        assert list(said.values()) == [[]]
