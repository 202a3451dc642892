# SPDX-License-Identifier: BSD-3-Clause
"""ripostectl alone, talking to a telemetry socket that the test answers: what it asks, what it prints, and
how it takes answers that it cannot use."""
import json
import os
import re
import socket
import subprocess

import pytest

from ctllab import COUNTERS, RIPOSTECTL, base, ctl, fake, refuses, says  # noqa: F401, fixtures


# --- what is asked, and what is printed ---

SIMPLE = {
    "crash": (["crash"], "/riposte/crash", {"forgotten": 12}, "connections forgotten: 12\n"),
    "down": (["down"], "/riposte/down", {"state": "down"},
             "down: answers ARP and neighbour solicitations, nothing else\n"),
    "down_arp": (["down", "--arp"], "/riposte/down,arp", {"state": "down,arp"},
                 "down: answers nothing, ARP and neighbour solicitations neither\n"),
    "up": (["up"], "/riposte/up", {"state": "up"}, "up\n"),
    "reload": (["reload"], "/riposte/reload", {"file": "/etc/r.conf", "listeners": 3},
               "/etc/r.conf: 3 listeners\n"),
    "call": (["call", "10.9.0.2:4711", "80", "shutdown"],
             "/riposte/call,10.9.0.2,4711,80,shutdown", {"made": "shutdown"}, "made: shutdown\n"),
    "call_words": (["call", "10.9.0.2:4711", "80", "write", '"a, b"'],
                   '/riposte/call,10.9.0.2,4711,80,write "a, b"', {"made": 'write "a, b"'},
                   'made: write "a, b"\n'),
    "call_ip6": (["call", "[FD09:0::2]:4711", "80", "read 5"],
                 "/riposte/call,fd09::2,4711,80,read 5", {"made": "read 5"}, "made: read 5\n"),
    "call_address": (["call", "10.9.0.2:4711", "10.9.0.1:80", "close"],
                     "/riposte/call,10.9.0.2,4711,10.9.0.1:80,close", {"made": "close"},
                     "made: close\n"),
    "call_address6": (["call", "[fd09::2]:4711", "[fd09::1]:80", "close"],
                      "/riposte/call,fd09::2,4711,[fd09::1]:80,close", {"made": "close"},
                      "made: close\n"),
}


@pytest.mark.parametrize("name", SIMPLE)
def test_request_and_what_it_prints(ctl, fake, name):
    words, request, answer, printed = SIMPLE[name]
    made = fake(answers={request.partition(",")[0]: answer})
    assert says(ctl(*words)) == printed
    assert made.asked == ["/", request]
    assert json.loads(says(ctl(*words, "--json"))) == answer
    assert json.loads(says(ctl("--json", *words))) == answer


def test_bytes_of_a_call_arrive_as_they_are(ctl, fake):
    made = fake(answers={"/riposte/call": {"made": "write"}})
    says(ctl("call", "10.9.0.2:4711", "80", b'write "\xff\n\xc3\xa9"'))
    assert made.asked[1].encode(errors="surrogateescape") == \
        b'/riposte/call,10.9.0.2,4711,80,write "\xff\n\xc3\xa9"'


@pytest.mark.parametrize("words", (["write", "hello"], ["write hello you"], ["write", "a\nb"]))
def test_text_that_has_lost_its_quotes_to_the_shell(ctl, fake, words):
    made = fake(answers={"/riposte/call": {"made": "write"}})
    refuses(ctl("call", "10.9.0.2:4711", "80", *words), """'write "TEXT"'""", "shell")
    assert made.asked == ["/"]


def test_call_longer_than_telemetry_takes(ctl, fake):
    """DPDK would cut it and riposte do something else."""
    made = fake(answers={"/riposte/call": {"made": "write"}})
    rest = 1023 - len("/riposte/call,10.9.0.2,4711,80,")
    refuses(ctl("call", "10.9.0.2:4711", "80", "x" * (rest + 1)), "1024", "1023")
    assert made.asked == ["/"]
    says(ctl("call", "10.9.0.2:4711", "80", "x" * rest))
    assert len(made.asked[-1]) == 1023


def test_counters_in_ripostes_order_with_dots(ctl, fake):
    fake(answers={"/riposte/counters": COUNTERS})
    assert says(ctl("counters")) == (
        "rx: 0\nanswered: 12\ntx: 9\nopened: 1\ndropped.l2_not_ours: 4\nrst.no_listener: 3\n"
        "connections: 2\n")
    everything = [f"{name.replace('/', '.')}: {value}" for name, value in COUNTERS.items()]
    assert says(ctl("counters", "--all")).splitlines() == everything
    said = json.loads(says(ctl("counters", "--json")))
    assert list(said.items()) == [(n.replace("/", "."), v) for n, v in COUNTERS.items()]


def pages_of(rows, size):
    """An answer that pages, as riposte's do."""
    def answer(parameters):
        offset = int(parameters or 0)
        return rows[offset:offset + size]

    return answer


def connection(number, family=4):
    ends = (f"10.9.0.2:{10000 + number}", "10.9.0.1:80") if family == 4 else \
        (f"[fd09::2]:{10000 + number}", "[fd09::1]:80")
    return {"client": ends[0], "server": ends[1], "state": "ESTABLISHED", "listener": "web",
            "call": "read 4096", "unread": number, "unacked": 0, "worker": 0}


@pytest.mark.parametrize("count, size", ((0, 7), (1, 7), (7, 7), (500, 7), (500, 70)))
def test_connections_of_all_pages(ctl, fake, count, size):
    rows = [connection(i, 4 if i % 2 else 6) for i in range(count)]
    made = fake(answers={"/riposte/connections": pages_of(rows, size)})
    assert json.loads(says(ctl("connections", "--json"))) == rows
    offsets = [int(request.partition(",")[2]) for request in made.asked[1:]]
    assert offsets == [*range(0, count, size), count]
    lines = says(ctl("connections")).splitlines()
    assert lines[0].split() == ["CLIENT", "SERVER", "STATE", "LISTENER", "UNREAD", "UNACKED",
                                "WORKER", "CALL"]
    assert [line.split()[0] for line in lines[1:]] == [row["client"] for row in rows]


def test_connection_that_moves_between_pages_is_listed_once(ctl, fake):
    rows = [connection(i) for i in range(6)]
    pages = {0: rows[:3], 3: [rows[2], rows[3], rows[4]], 6: [rows[5]]}
    fake(answers={"/riposte/connections": lambda offset: pages.get(int(offset), [])})
    assert json.loads(says(ctl("connections", "--json"))) == rows


def test_tables_are_aligned(ctl, fake):
    """Every column begins, or for numbers ends, below its header."""
    rows = [connection(7), connection(55555, family=6)]
    fake(answers={"/riposte/connections": pages_of(rows, 10)})
    lines = says(ctl("connections")).splitlines()
    assert lines[1].index("10.9.0.1:80") == lines[2].index("[fd09::1]:80") == \
        lines[0].index("SERVER")
    end = lines[0].index("UNREAD") + len("UNREAD")
    assert lines[1][:end].endswith("     7") and lines[2][:end].endswith(" 55555")


def test_listeners(ctl, fake):
    rows = [{"number": i, "name": f"l{i}", "ports": f"{80 + i}, 10000-10099", "on": "10.9.0.1",
             "script": "accept, read 4096, close", "taken": 3 * i, "waiting": i, "alive": 0}
            for i in range(12)]
    fake(answers={"/riposte/listeners": pages_of(rows, 5)})
    assert json.loads(says(ctl("listeners", "--json"))) == rows
    lines = says(ctl("listeners")).splitlines()
    assert len(lines) == 13
    assert re.fullmatch(r" +11  l11 +91, 10000-10099  10\.9\.0\.1 +33 +11 +0  "
                        "accept, read 4096, close", lines[12]), lines[12]


WORKER = {"worker": 0, "lcore": 2, "device": "net_af_packet0", "queue": 0, "rx": 12, "answered": 10,
          "consumed": 2, "dropped": 0, "tx": 10, "tx_dropped": 0, "connections": 1, "half_open": 0}


def test_workers(ctl, fake):
    fake(answers={"/riposte/workers": pages_of([WORKER, {**WORKER, "worker": 1}], 1)})
    assert json.loads(says(ctl("workers", "--json"))) == [WORKER, {**WORKER, "worker": 1}]
    header, first, second = [line.split() for line in says(ctl("workers")).splitlines()]
    assert header[:5] == ["WORKER", "LCORE", "DEVICE", "QUEUE", "RX"]
    assert first == [str(value) for value in WORKER.values()]
    assert second[0] == "1"


def test_a_name_cannot_play_with_the_terminal(ctl, fake):
    fake(answers={"/riposte/listeners": pages_of([{"number": 0, "name": "a\x1b[2J\nb"}], 5)})
    assert "a?[2J?b" in says(ctl("listeners"))


# --- refusals, and answers that are of no use ---

@pytest.mark.parametrize("options", ([], ["--json"]))
def test_what_riposte_refuses(ctl, fake, options):
    said = "/etc/riposte.conf:7: unknown key 'port': did you mean ports?"
    fake(answers={"/riposte/reload": {"error": said}})
    run = ctl("reload", *options)
    refuses(run)
    assert run.stderr == f"ripostectl: {said}\n"


def test_a_long_refusal_comes_in_parts(ctl, fake):
    """A text in a dict has 127 bytes at most in DPDK 22.11."""
    fake(answers={"/riposte/reload": {"error": "a" * 127, "error_2": "b" * 127, "error_3": "c"}})
    assert ctl("reload").stderr == f"ripostectl: {'a' * 127}{'b' * 127}c\n"


def test_a_refusal_is_one_line_whatever_it_is(ctl, fake):
    fake(answers={"/riposte/reload": {"error": "a\nb\x1b[2J"}})
    refuses(ctl("reload"), "a?b?[2J")


ODD = {
    "null": (None, "does not know"),
    "not_json": (b"{'oops'", "not JSON"),
    "cut": (b'{"/riposte/counters":{"rx":' + b"1" * 20000, "cut at 16384"),
    "bytes": (b"\xff\xfe", "not JSON"),
    "another_command": (b'{"/riposte/up":{}}', "does not know"),
    "list_for_dict": ([1], "odd"),
    "text_for_dict": ("hello", "odd"),
    "number": (b"5", "odd"),
    "values_not_numbers": ({"rx": "many"}, "odd"),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("command", (["counters"], ["counters", "--json"], ["top", "--count", "1"]))
def test_odd_answer(ctl, fake, name, command):
    answer, word = ODD[name]
    fake(answers={"/riposte/counters": (lambda _: json_null()) if answer is None else answer})
    refuses(ctl(*command), "/riposte/counters", word)


def json_null():
    return b'{"/riposte/counters":null}'


@pytest.mark.parametrize("answer", ({"a": 1}, [1, 2], [[]], "x"), ids=str)
@pytest.mark.parametrize("command", ("listeners", "connections", "workers"))
def test_odd_list(ctl, fake, command, answer):
    fake(answers={f"/riposte/{command}": answer})
    refuses(ctl(command), f"/riposte/{command}", "odd")


@pytest.mark.parametrize("command", ("counters", "workers", "crash"))
def test_riposte_ends_instead_of_answering(ctl, fake, command):
    made = fake("lab")
    made.answers[f"/riposte/{command}"] = lambda _: made.die()
    refuses(ctl(command), "lab", "has ended")


def test_riposte_ends_between_two_pages(ctl, fake):
    made = fake("lab")
    made.answers["/riposte/connections"] = \
        lambda offset: [connection(1)] if offset == "0" else made.die()
    refuses(ctl("connections"), "lab", "has ended")


# --- where it prints to ---

def test_broken_pipe_is_silent(fake, base):
    fake(answers={"/riposte/connections": pages_of([connection(i) for i in range(5000)], 70)})
    run = subprocess.run(["/bin/bash", "-c", f"{RIPOSTECTL} connections | head -n 2"], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True, timeout=60,
                         env={**os.environ, "RUNTIME_DIRECTORY": base})
    assert run.stderr == "" and run.stdout.count("\n") == 2


def test_output_that_cannot_be_written(fake, base):
    fake(answers={"/riposte/counters": COUNTERS})
    with open("/dev/full", "w", encoding="ascii") as full:
        run = subprocess.run([RIPOSTECTL, "counters"], stdout=full, stderr=subprocess.PIPE,
                             text=True, check=False, env={**os.environ, "RUNTIME_DIRECTORY": base})
    assert (run.returncode, run.stderr) == (1, "ripostectl: cannot write: No space left on device\n")


def test_output_that_is_closed(fake, base):
    """It does nothing that nobody would hear of."""
    made = fake(answers={"/riposte/crash": {"forgotten": 1}})
    run = subprocess.run(["/bin/bash", "-c", f"{RIPOSTECTL} crash >&-"], stderr=subprocess.PIPE,
                         text=True, check=False, env={**os.environ, "RUNTIME_DIRECTORY": base})
    assert (run.returncode, run.stderr) == (
        1, "ripostectl: cannot write: standard output is closed\n")
    assert made.asked == []


def test_a_symbolic_link_to_it(fake, base, tmp_path):
    fake(answers={"/riposte/up": {"state": "up"}})
    (tmp_path / "ctl").symlink_to(RIPOSTECTL)
    assert subprocess.run([tmp_path / "ctl", "up"], stdout=subprocess.PIPE, text=True, check=True,
                          env={**os.environ, "RUNTIME_DIRECTORY": base}).stdout == "up\n"


def test_fake_is_what_dpdk_speaks(fake):
    """The kind of socket is DPDK's: one message is one request or reply."""
    made = fake(answers={"/riposte/up": {"state": "up"}})
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.connect(str(made.path))
        assert json.loads(client.recv(1024))["max_output_len"] == 16384
        client.send(b"/riposte/none")
        assert client.recv(16384) == b'{"/riposte/none": null}'
