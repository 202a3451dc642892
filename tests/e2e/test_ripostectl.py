# SPDX-License-Identifier: BSD-3-Clause
"""ripostectl alone, talking to a telemetry socket that the test answers: its command line, and which
riposte it finds. test_control.py has the real program."""
import json
import os
import re
import socket
from pathlib import Path

import pytest

from ctllab import COMMANDS, COUNTERS, ROOT, base, ctl, fake, refuses, says  # noqa: F401, fixtures


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
