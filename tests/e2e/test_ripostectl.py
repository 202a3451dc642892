# SPDX-License-Identifier: BSD-3-Clause
"""ripostectl alone, talking to a telemetry socket that the test answers: which riposte it finds, what
it asks, what it prints, and how it takes answers that it cannot use. test_control.py has the real
program."""
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from faketelemetry import FakeTelemetry

ROOT = Path(__file__).resolve().parents[2]
RIPOSTECTL = ROOT / "scripts" / "ripostectl"
COMMANDS = ("counters", "listeners", "connections", "workers", "top", "crash", "down", "up",
            "reload", "call")
COUNTERS = {"rx": 0, "answered": 12, "consumed": 0, "tx": 9, "opened": 1, "dropped/l2_not_ours": 4,
            "dropped/tcp_checksum": 0, "rst/no_listener": 3, "connections": 2, "half_open": 0}


@pytest.fixture
def base():
    """A runtime directory; short, because a socket's path has 107 bytes at most."""
    made = tempfile.mkdtemp(prefix="rpctl")
    yield made
    shutil.rmtree(made)


@pytest.fixture
def fake(base):
    """fake(...) is a program with a telemetry socket in base."""
    with contextlib.ExitStack() as stack:
        def make(*args, **options):
            made = FakeTelemetry(base, *args, **options)
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture
def ctl(base):
    """ctl(words...) runs ripostectl to its end, as root does, but with base for /var/run."""
    def run(*words, prefix=None, **options):
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("RIPOSTE_PREFIX", "XDG_RUNTIME_DIR")}
        environment.update(options.pop("env", {"RUNTIME_DIRECTORY": base}))
        if prefix is not None:
            environment["RIPOSTE_PREFIX"] = prefix
        return subprocess.run([RIPOSTECTL, *words], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              timeout=60, env=environment, **options)

    return run


def says(run):
    """What it printed; it went well."""
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout


def refuses(run, *words, status=1):
    """It said one line with all of words, on stderr alone."""
    assert run.returncode == status, f"exit {run.returncode}, not {status}: {run.stderr}"
    assert run.stdout == ""
    assert run.stderr.startswith("ripostectl: "), run.stderr
    assert run.stderr.count("\n") == 1 and run.stderr.endswith("\n"), run.stderr
    missing = [word for word in words if word not in run.stderr]
    assert not missing, f"{missing} not in: {run.stderr}"


# --- the command line ---

WRONG = {
    "nothing": ([], ["COMMAND"]),
    "unknown": (["counter"], ["counter", *COMMANDS]),
    "option": (["counters", "--bogus"], ["--bogus"]),
    "other_commands_option": (["up", "--arp"], ["--arp"]),
    "option_cut_short": (["counters", "--js"], ["--js"]),
    "argument": (["crash", "now"], ["now"]),
    "prefix_without_value": (["up", "--file-prefix"], ["--file-prefix"]),
    "prefix_empty": (["--file-prefix", "", "up"], ["file prefix"]),
    "prefix_path": (["--file-prefix", "a/b", "up"], ["a/b", "file prefix"]),
    "interval_zero": (["top", "--interval", "0"], ["--interval", "over 0"]),
    "interval_text": (["top", "--interval", "1s"], ["--interval", "1s"]),
    "count_zero": (["top", "--count", "0"], ["--count"]),
    "call_without_call": (["call", "10.9.0.2:4711", "80"], ["CALL"]),
    "call_without_port": (["call", "10.9.0.2", "80", "close"], ["10.9.0.2", "10.9.0.2:4711"]),
    "call_port_0": (["call", "10.9.0.2:0", "80", "close"], ["'0'", "1 to 65535"]),
    "call_port_65536": (["call", "10.9.0.2:65536", "80", "close"], ["65536", "1 to 65535"]),
    "call_bare_ip6": (["call", "fd09::2:4711", "80", "close"], ["[fd09::2]:4711"]),
    "call_ip4_in_brackets": (["call", "[10.9.0.2]:4711", "80", "close"], ["10.9.0.2:4711"]),
    "call_no_address": (["call", "10.9.0:4711", "80", "close"], ["10.9.0:4711"]),
    "call_local_name": (["call", "10.9.0.2:4711", "http", "close"], ["http", "1 to 65535"]),
    "call_local_address_alone": (["call", "10.9.0.2:4711", "10.9.0.1:", "close"], ["LOCALPORT"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_command_line_is_one_line_and_exit_2(ctl, name):
    words, expected = WRONG[name]
    refuses(ctl(*words), "--help", *expected, status=2)


def test_wrong_prefix_in_the_environment(ctl):
    refuses(ctl("up", prefix="a/b"), "RIPOSTE_PREFIX", "a/b", status=2)


@pytest.mark.parametrize("words", (["--help"], ["-h"], ["counters", "--help"], ["call", "-h"]))
def test_help_says_everything(ctl, words):
    said = says(ctl(*words))
    for word in (*COMMANDS, "--all", "--interval", "--count", "--arp", "CLIENT:PORT LOCALPORT CALL",
                 "--file-prefix", "RIPOSTE_PREFIX", "--json", "-h, --help", "[fd09::2]:4711"):
        assert re.search(rf"(^|\W){re.escape(word)}(\W|$)", said), word
    assert max(map(len, said.splitlines())) <= 100


def test_it_leaves_nothing_in_the_checkout(ctl, fake):
    fake(answers={"/riposte/counters": COUNTERS})
    says(ctl("counters"))
    assert not (ROOT / "scripts" / "ctl" / "__pycache__").exists()


# --- which riposte ---

def test_none_is_running(ctl, base):
    refuses(ctl("counters"), "no riposte is running", f"{base}/dpdk")


def test_the_only_one(ctl, fake):
    fake("lab", answers={"/riposte/counters": COUNTERS})
    assert "answered: 12\n" in says(ctl("counters"))


def test_several(ctl, fake):
    fake("a", answers={"/riposte/up": {"state": "up"}}, pid=4711)
    fake("b", answers={"/riposte/counters": COUNTERS}, pid=4712)
    refuses(ctl("counters"), "a (pid 4711)", "b (pid 4712)", "--file-prefix")
    assert "rx: 0\n" in says(ctl("counters", "--file-prefix", "b"))
    assert "rx: 0\n" in says(ctl("--file-prefix=b", "counters"))
    assert "rx: 0\n" in says(ctl("counters", prefix="b"))
    assert says(ctl("up", "--file-prefix", "a", prefix="b")) == "up\n"


def test_two_of_one_prefix(ctl, fake):
    """DPDK gives the second one's socket a number."""
    fake("rte", answers={"/riposte/up": {"state": "up"}})
    fake("rte", answers={"/riposte/up": {"state": "second"}}, suffix=":1")
    refuses(ctl("up"), "rte (pid", "rte:1 (pid")
    assert says(ctl("up", "--file-prefix", "rte")) == "up\n"
    assert says(ctl("up", "--file-prefix", "rte:1")) == "second\n"


def test_empty_prefix_in_the_environment_is_none(ctl, fake):
    fake("lab", answers={"/riposte/up": {"state": "up"}})
    assert says(ctl("up", prefix="")) == "up\n"


def test_stale_socket(ctl, fake):
    dead = fake("dead")
    dead.die()
    refuses(ctl("up"), "no riposte is running", str(dead.path), "stale")
    refuses(ctl("up", "--file-prefix", "dead"), "dead", str(dead.path), "stale")
    fake("alive", answers={"/riposte/up": {"state": "up"}})
    assert says(ctl("up")) == "up\n"


def test_no_such_prefix(ctl, fake, base):
    fake("lab", answers={"/riposte/up": {"state": "up"}})
    refuses(ctl("up", "--file-prefix", "other"), "other", f"{base}/dpdk/other/dpdk_telemetry.v2")
    refuses(ctl("up", prefix="other"), "other")


def test_another_dpdk_program(ctl, fake):
    fake("testpmd", riposte=False, pid=4713)
    refuses(ctl("up"), "no riposte is running", "4713", "another DPDK program")
    refuses(ctl("up", "--file-prefix", "testpmd"), "testpmd", "4713", "another DPDK program")
    fake("lab", answers={"/riposte/up": {"state": "up"}})
    assert says(ctl("up")) == "up\n"


def test_one_that_hangs_is_passed_over(ctl, fake):
    fake("stopped").greeting = b""
    refuses(ctl("up"), "no riposte is running", "does not answer")
    fake("lab", answers={"/riposte/up": {"state": "up"}})
    assert says(ctl("up")) == "up\n"


def test_ten_others_are_talking_to_it(ctl, fake):
    fake("busy").greeting = None
    refuses(ctl("up", "--file-prefix", "busy"), "busy", "ten")


def test_what_is_not_telemetry(ctl, fake):
    fake("odd").greeting = b"hello"
    refuses(ctl("up", "--file-prefix", "odd"), "odd", "not JSON", "hello")
    fake("other").greeting = b'{"a": 1}'
    refuses(ctl("up", "--file-prefix", "other"), "other", "greeting")


def test_path_too_long(ctl, base):
    refuses(ctl("up", "--file-prefix", "x" * 100), "x" * 100, "too long")
    assert not (Path(base) / "dpdk").exists()


@pytest.mark.parametrize("variable", ("XDG_RUNTIME_DIR", "RUNTIME_DIRECTORY"))
def test_a_user_who_is_not_root(ctl, fake, base, variable):
    made = fake("mine", answers={"/riposte/up": {"state": "up"}})
    for path in (base, made.path.parents[1], made.path.parent):
        os.chmod(path, 0o755)
    env = {variable: base}
    refuses(ctl("up", env=env, user=65534, group=65534), "Permission denied", "sudo")
    os.chmod(made.path, 0o777)
    assert says(ctl("up", env=env, user=65534, group=65534)) == "up\n"


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
