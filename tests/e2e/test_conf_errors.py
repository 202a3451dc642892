# SPDX-License-Identifier: BSD-3-Clause
"""Wrong configurations: exit status 1 and one line that names file and line and says what would be
right. The program's --check needs neither EAL nor root."""
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RIPOSTE = os.environ.get(
    "RIPOSTE", ROOT / os.environ.get("RIPOSTE_BUILD", "build") / "app" / "riposte")

HOST = 'host { owns = { "10.9.0.1", "10.9.1.0/24", "fd09::/64" } }\n'


def check(path):
    return subprocess.run([RIPOSTE, "--check", "-c", path], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=20,
                          check=False)


def refused(path, place, *words):
    """riposte says one line that begins with place and has all of words, and nothing else."""
    run = check(path)
    assert run.returncode == 1, f"exit {run.returncode}, not 1: {run.stderr}{run.stdout}"
    assert run.stdout == "", f"on stdout: {run.stdout}"
    assert run.stderr.count("\n") == 1 and run.stderr.endswith("\n"), \
        f"not one line: {run.stderr!r}"
    assert run.stderr.startswith(place + ": "), f"not about {place}: {run.stderr}"
    missing = [word for word in words if word not in run.stderr]
    assert not missing, f"{missing} not in: {run.stderr}"


def host(*lines):
    """A host section; its lines are 2, 3, ..."""
    return "\n".join(["host {", *lines, "}"]) + "\n"


def listener(*lines, name="x", more=""):
    """A host on line 1 and a listener on line 2, whose lines are 3, 4, ..."""
    return HOST + "\n".join([f'listener "{name}" {{', *lines, "}"]) + "\n" + more


def script(*calls):
    """A listener that accepts on line 4 and makes the calls on lines 5, 6, ..."""
    return listener("ports = 80", 'script = { "accept"', *(f', "{call}"' for call in calls), "}")


OWNS = 'owns = "10.9.0.1"'

# name: (text, line, words of the message)
WRONG = {
    # the file as a whole
    "empty": ("", 1, ["no host", "would be right"]),
    "comments_alone": ("# nothing\n/* at\nall */\n", 1, ["no host", "would be right"]),
    "no_host": ('listener "x" { ports = 80 }\n', 1, ["no host", "would be right"]),
    "two_hosts": (HOST + HOST, 2, ["host already", "line 1", "one"]),
    "trailing_garbage": (HOST + "garbage\n", 2, ['"garbage"', "host", "listener"]),
    "trailing_brace": (HOST + "}\n", 2, ["closing brace"]),
    "unknown_section": (HOST + "server {\n}\n", 2, ['"server"', "listener"]),
    "section_key_at_top": ("backlog = 3\n", 1, ['"backlog"', "listener"]),
    # syntax
    "host_not_closed": ("\nhost {\n" + OWNS + "\n", 2, ["no end", "closing }"]),
    "listener_not_closed": (HOST + 'listener "x" {\nports = 80\n', 2, ["no end", "closing }"]),
    "list_not_closed": (host('owns = { "10.9.0.1"', "closed = drop"), 3, ["{ VALUE, VALUE }"]),
    "last_list_not_closed": ('host {\nowns = { "10.9.0.1",\n', 3, ["end of file", "brace"]),
    "host_with_title": ('host "x" {\n}\n', 1, ["host { ... }"]),
    "host_with_equal_sign": ("host = {\n}\n", 1, ["host { ... }"]),
    "listener_without_name": (HOST + "listener {\n}\n", 2, ['listener "NAME"']),
    "equal_sign_missing": (host(OWNS, "closed drop"), 3, ["closed", "KEY = VALUE"]),
    "value_missing": (host(OWNS, "closed ="), 4, ["KEY = VALUE"]),
    "list_for_a_single_value": (listener("backlog = { 1, 2 }"), 3, ["KEY = VALUE"]),
    "comma_missing": (host('owns = { "10.9.0.1" "10.9.0.2" }'), 2, ["{ VALUE, VALUE }"]),
    "append_to_a_number": (listener("backlog += 3"), 3, ["backlog", "="]),
    "string_not_closed": (host('owns = "10.9.0.1', "closed = drop"), 2, ["string", "closing \""]),
    "comment_not_closed": (HOST + "\n/* never\n\n", 3, ["comment", "closing */"]),
    "bad_escape": (host(r'owns = "\9"'), 2, ["escape", r"\xHH"]),
    "stray_character": (host(OWNS, "connections = 1+2"), 3, ["'+'", "quotes"]),
    "stray_star": (host(OWNS, "connections = *"), 3, ["'*'", "quotes"]),
    "path_to_another_section": (HOST + "host|closed = drop\n", 2, ["'|'"]),
    "key_of_no_letters": (host(OWNS, '"" = 3'), 3, ["KEY = VALUE"]),
    "key_of_no_letters_at_top": (HOST + '\n""\n', 3, ["KEY = VALUE"]),
    "key_with_an_equal_sign": (host(OWNS, '"ttl=3" = 3'), 3, ["ttl"]),
    "variable_outside_of_a_string": (host(OWNS, "ttl = ${", "TTL }"), 3, ["'$'", "quotes"]),
    "variable_that_does_not_end": (host('owns = "${OWNS",', "ttl = 3"), 2, ["${", "}"]),
    "parentheses": (host(OWNS, "closed (drop)"), 3, ["closed", "KEY = VALUE"]),
    # keys
    "unknown_key_of_host": (host(OWNS, "conections = 3"), 3,
                            ['"conections"', "owns", "connections", "msl"]),
    "unknown_key_of_listener": (listener("ports = 80", "", "scrpt = close"), 5,
                                ['"scrpt"', "ports", "script", "first"]),
    "key_of_the_other_section": (host(OWNS, "ports = 80"), 3, ['"ports"', "owns"]),
    "given_twice": (host(OWNS, "closed = drop", "closed = reset"), 4, ["closed", "twice", "3"]),
    "list_given_twice": (host(OWNS, OWNS), 3, ["owns", "twice", "2"]),
    "list_given_and_emptied": (listener("ports = 80", 'script = "close"', "script = {}"), 4,
                               ["script", "once"]),
    # values of host
    "closed": (host(OWNS, "closed = refuse"), 3, ["closed", '"refuse"', "reset or drop"]),
    "cookies": (host(OWNS, "cookies = yes"), 3, ["cookies", '"yes"', "auto, always or never"]),
    "connections_as_a_float": (host(OWNS, "connections = 1e6"), 3,
                               ['"1e6"', "whole number from 1 to 268435456"]),
    "connections_negative": (host(OWNS, "connections = -1"), 3, ['"-1"', "from 1 to"]),
    "connections_none": (host(OWNS, "connections = 0"), 3, ['"0"', "from 1 to"]),
    "connections_too_many": (host(OWNS, "connections = 268435457"), 3, ["to 268435456"]),
    "connections_beyond_64_bits": (host(OWNS, "connections = 18446744073709551617"), 3,
                                   ["to 268435456"]),
    "connections_hexadecimal": (host(OWNS, "connections = 0x100"), 3, ["whole number"]),
    "connections_with_a_plus": (host(OWNS, 'connections = "+5"'), 3, ["whole number"]),
    "connections_empty": (host(OWNS, 'connections = ""'), 3, ["whole number"]),
    "senders_none": (host(OWNS, "senders = 0"), 3, ["from 1 to 16777216"]),
    "senders_too_many": (host(OWNS, "senders = 16777217"), 3, ["from 1 to 16777216"]),
    "echo_memory_too_much": (host(OWNS, "echo_memory = 17179869185"), 3,
                             ["from 0 to 17179869184"]),
    "echo_memory_with_unit": (host(OWNS, "echo_memory = 16M"), 3, ['"16M"', "whole number"]),
    "msl_without_unit": (host(OWNS, "msl = 30"), 3, ['"30"', "time", "unit", "60m"]),
    "msl_none": (host(OWNS, 'msl = "0"'), 3, ["from 1ms to 60m"]),
    "msl_too_long": (host(OWNS, 'msl = "61m"'), 3, ["from 1ms to 60m"]),
    "msl_negative": (host(OWNS, 'msl = "-1s"'), 3, ["time", "unit"]),
    "challenge_acks": (host(OWNS, "challenge_acks = 256"), 3, ["from 0 to 255"]),
    "ttl": (host(OWNS, "ttl = 0"), 3, ["from 1 to 255"]),
    "min_mss": (host(OWNS, "min_mss = 1221"), 3, ["from 1 to 1220"]),
    "cookie_key_short": (host(OWNS, "cookie_key = 0123456789abcdef"), 3,
                         ["32 hexadecimal digits"]),
    "cookie_key_not_hex": (host(OWNS, f'cookie_key = {"g" * 32}'), 3, ["32 hexadecimal digits"]),
    "after_comments": (host("# one", OWNS, "/* two", "*/ // three", "ttl = x # four"), 6,
                       ["ttl", "from 1 to 255"]),
    "of_dos": (host(OWNS, "ttl = x").replace("\n", "\r\n"), 3, ['"x"', "from 1 to 255"]),
    "value_on_the_next_line": (host(OWNS, "ttl =", "  0"), 4, ["ttl", "from 1 to 255"]),
    "value_of_two_lines": (host(OWNS, 'closed = "re', 'set"'), 4, ["closed", "reset or drop"]),
    # addresses
    "owns_nothing": (host("closed = drop"), 1, ["owns", "would be right"]),
    "owns_empty": (host("owns = {}"), 1, ["owns", "would be right"]),
    "owns_bits_beyond_the_prefix": (host('owns = { "10.9.0.2", "10.9.0.1/24" }'), 2,
                                    ['"10.9.0.1/24"', "beyond", "10.9.0.0/24"]),
    "owns_bits_beyond_the_prefix6": (host('owns = { "fd09::2",', '"fd09::1/64" }'), 3,
                                     ['"fd09::1/64"', "beyond", "fd09::/64"]),
    "owns_prefix_too_long": (host('owns = "10.9.0.1/33"'), 2, ["0 to 32"]),
    "owns_prefix6_too_long": (host('owns = "fd09::1/129"'), 2, ["0 to 128"]),
    "owns_no_address": (host('owns = "example.com"'), 2, ['"example.com"', "address"]),
    "owns_octal": (host('owns = "10.9.0.010"'), 2, ["address"]),
    "owns_all": (host('owns = "0.0.0.0/0"'), 2, ["client", "longer prefix"]),
    "owns_all6": (host('owns = "::/0"'), 2, ["client", "longer prefix"]),
    "owns_loopback": (host('owns = "127.0.0.1"'), 2, ["unicast"]),
    "owns_multicast": (host('owns = "224.0.0.0/24"'), 2, ["unicast"]),
    "owns_loopback6": (host('owns = "::1"'), 2, ["unicast"]),
    "owns_multicast6": (host('owns = "ff02::1"'), 2, ["unicast"]),
    "on_not_owned": (listener("ports = 80", 'on = { "10.9.0.1", "10.9.2.0/24" }'), 4,
                     ['"10.9.2.0/24"', "owned", "line 1"]),
    "on_larger_than_owned": (listener("ports = 80", 'on = "10.9.0.0/16"'), 4, ["owned"]),
    "on_not_owned6": (listener("ports = 80", 'on = "fd09:0:0:1::1"'), 4, ["owned", "line 1"]),
    "on_bad": (listener("ports = 80", 'on = "10.9.0"'), 4, ["address"]),
    "on_empty": (listener("ports = 80", "on = {}"), 2, ["no address", "without"]),
    # ports
    "ports_missing": (listener('script = "close"'), 2, ['"x"', "ports = {"]),
    "ports_empty": (listener("ports = {}"), 2, ['"x"', "ports = {"]),
    "port_0": (listener("ports = 0"), 3, ['"0"', "1 to 65535"]),
    "port_too_high": (listener("ports = { 80,", " 65536 }"), 4, ['"65536"', "1 to 65535"]),
    "port_far_too_high": (listener("ports = 18446744073709551696"), 3, ["1 to 65535"]),
    "port_range_too_high": (listener('ports = "80-65536"'), 3, ["1 to 65535"]),
    "port_by_name": (listener("ports = http"), 3, ['"http"', "1 to 65535"]),
    "port_negative": (listener("ports = -80"), 3, ["1 to 65535"]),
    "port_with_more": (listener('ports = "80x"'), 3, ["1 to 65535"]),
    "port_range_open": (listener('ports = "80-"'), 3, ["1 to 65535"]),
    "port_range_of_three": (listener('ports = "1-2-3"'), 3, ["1 to 65535"]),
    "port_empty": (listener('ports = ""'), 3, ["1 to 65535"]),
    "ports_reversed": (listener('ports = "200-100"'), 3, ["backwards", '"100-200"']),
    "ports_overlap": (listener('ports = { "80-90", 443, "90-99" }'), 3,
                      ['"90-99"', '"80-90"', "once"]),
    "port_twice": (listener("ports = { 80,", "80 }"), 4, ['"80"', "once"]),
    # the rest of a listener
    "name_twice": (listener("ports = 80", more='listener "x" {\nports = 81\n}\n'), 5,
                   ["'x'", "name of its own"]),
    "name_empty": (listener("ports = 80", name=""), 2, ["1 to 63"]),
    "name_too_long": (listener("ports = 80", name="n" * 64), 2, ["1 to 63"]),
    "name_with_control_characters": (listener("ports = 80", name=r"a\nb\x1b[31m"), 2,
                                     ["printable"]),
    "backlog": (listener("ports = 80", "backlog = -1"), 4, ["backlog", "from 0 to"]),
    "syn_ack_delay": (listener("ports = 80", "syn_ack_delay = 110"), 4, ["time", "unit"]),
    "handshake_timeout": (listener("ports = 80", "handshake_timeout = 1h"), 4, ["time", "unit"]),
    "receive_buffer": (listener("ports = 80", "receive_buffer = 0"), 4, ["from 1 to 1073741824"]),
    "receive_buffer_too_large": (listener("ports = 80", "receive_buffer = 1073741825"), 4,
                                 ["from 1 to 1073741824"]),
    "send_buffer": (listener("ports = 80", "send_buffer = 0"), 4, ["from 1 to 1073741824"]),
    "send_buffer_too_large": (listener("ports = 80", "send_buffer = 1073741825"), 4,
                              ["from 1 to 1073741824"]),
    "listener_cookies": (listener("ports = 80", "cookies = host"), 4, ["auto, always or never"]),
    "chance_0": (listener("ports = 80", "chance = 0"), 4, ["above 0 and up to 1"]),
    "chance_over_1": (listener("ports = 80", "chance = 1.01"), 4, ["above 0 and up to 1"]),
    "chance_percent": (listener("ports = 80", "chance = 50%"), 4, ["above 0 and up to 1"]),
    "chance_not_a_number": (listener("ports = 80", "chance = nan"), 4, ["above 0 and up to 1"]),
    "chance_two_points": (listener("ports = 80", "chance = 0.5.1"), 4, ["above 0 and up to 1"]),
    "first": (listener("ports = 80", "first = 4294967296"), 4, ["from 0 to 4294967295"]),
    "delay_with_cookies": (listener("ports = 80", "cookies = always", 'syn_ack_delay = "1s"'), 5,
                           ["syn_ack_delay", "cookies = always", "never"]),
    "timeout_with_cookies_of_the_host": (
        host(OWNS, "cookies = always") +
        'listener "x" {\nports = 80\nhandshake_timeout = "1s"\n}\n', 7,
        ["handshake_timeout", "cookies = always", "never"]),
    # scripts
    "call_unknown": (listener("ports = 80", 'script = { "accept",', '"recieve" }'), 5,
                     ["recieve", "read"]),
    "call_read_nothing": (listener("ports = 80", 'script = { "accept", "read 0" }'), 4,
                          ["read 0"]),
    "call_sleep_without_unit": (listener("ports = 80", 'script = { "accept", "sleep 20" }'), 4,
                                ["sleep 20"]),
    "call_linger_5": (listener("ports = 80", 'script = { "accept", "linger 5" }'), 4,
                      ["linger 5", "linger 0"]),
    "call_empty": (listener("ports = 80", 'script = { "" }'), 4, []),
    "call_after_close": (listener("ports = 80", 'script = { "accept", "close",', '"read" }'), 5,
                         ["read"]),
    "read_before_accept": (listener("ports = 80", 'script = { "read", "accept" }'), 4,
                           ["accept"]),
    # Of all listeners together: for libconfuse a list costs the square of its length.
    "too_many_calls": (HOST + "".join(
        f'listener "{n}" {{ ports = {n} script = {{ "accept", ' + '"read", ' * 1038 + '"close" } }\n'
        for n in range(1, 64)), 64, ["65471"]),
    "write_without_quotes": (script("write hello"), 5, ["write hello", 'write "TEXT"', "@FILE"]),
    "write_nothing": (script("write"), 5, ["write", 'write "TEXT"', "@FILE"]),
    "write_half_a_quote": (script(r'write \"'), 5, ['write "TEXT"']),
    "write_a_quote_too_few": (script(r'write \"hello'), 5, ["hello", 'write "TEXT"']),
    "write_no_file": (script("write @"), 5, ["write @", "@FILE"]),
    "write_before_accept": (listener("ports = 80", r'script = { "write \"x\"", "accept" }'), 4,
                            ["write", "accept"]),
    "write_after_shutdown": (script("shutdown", r'write \"x\"'), 6, ["write", "shutdown"]),
    "echo_after_shutdown": (script("shutdown", "echo"), 6, ["echo", "shutdown"]),
    "echo_without_memory": (host(OWNS, "echo_memory = 4095") +
                            'listener "x" { ports = 80 script = { "accept", "echo" } }\n', 5,
                            ["echo", "echo_memory is 4095", "4096 or more"]),
    "echo_of_something": (script("echo 5"), 5, ["echo 5", "nothing"]),
    "write_with_a_zero_byte": (script(r'write \"a\x00b\"'), 5, ["zero byte", "@FILE"]),
    "write_with_an_octal_zero_byte": (script(r'write \"a\0b\"'), 5, ["zero byte", "@FILE"]),
    "write_a_missing_file": (script("write @missing"), 5,
                             ["@missing", "No such file", "64 MiB", "would be right"]),
    "write_a_directory": (script("write @/"), 5, ["@/", "no regular file", "would be right"]),
    "write_a_device": (script("write @/dev/zero"), 5, ["no regular file", "would be right"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_one_line_names_file_and_line_and_what_would_be_right(name, tmp_path):
    text, line, words = WRONG[name]
    path = tmp_path / "wrong.conf"
    path.write_bytes(text.encode())
    refused(path, f"{path}:{line}", *words)


# Listeners that can never match: (first listeners' lines, what the last one is)
SHADOWED = {
    "the_same_port": (["ports = 80"], "ports = 80"),
    "within_a_range": (['ports = "1-1000"'], "ports = { 80, 443 }"),
    "two_ranges_put_together": (['ports = "1-99"', 'ports = "100-200"'], 'ports = "50-150"'),
    "on_less": (['ports = 80 on = "10.9.1.0/24"'], 'ports = 80 on = "10.9.1.7"'),
    "two_prefixes_put_together": (
        ['ports = 80 on = { "10.9.0.1", "10.9.1.0/25" }', 'ports = 80 on = "10.9.1.128/25"',
         'ports = "79-81" on = "fd09::/64"'], "ports = 80"),
    "a_later_one_with_a_chance": (["ports = 80"], "ports = 80 chance = 0.5"),
}


@pytest.mark.parametrize("name", SHADOWED)
def test_listener_that_can_never_match_is_an_error(name, tmp_path):
    before, last = SHADOWED[name]
    path = tmp_path / "shadowed.conf"
    lines = [f'listener "l{i}" {{ {keys} }}' for i, keys in enumerate([*before, last])]
    path.write_text(HOST + "\n".join(lines) + "\n")
    refused(path, f"{path}:{len(lines) + 1}", f'"l{len(before)}"', "never match", "before it")


REACHED = {
    "another_port": (["ports = 80"], "ports = 81"),
    "one_port_more": (['ports = "1-99"', 'ports = "101-200"'], 'ports = "50-150"'),
    "on_more": (['ports = 80 on = "10.9.1.0/24"'], 'ports = 80 on = { "10.9.1.7", "10.9.0.1" }'),
    "the_other_family": (['ports = 80 on = { "10.9.0.1", "10.9.1.0/24" }'], "ports = 80"),
    "after_a_chance": (["ports = 80 chance = 0.999"], "ports = 80"),
    "after_the_first": (["ports = 80 first = 1"], "ports = 80"),
    "port_of_one_address_of_the_other": (
        ['ports = 80 on = "10.9.0.1"', 'ports = 81 on = { "10.9.1.0/24", "fd09::/64" }'],
        'ports = "80-81"'),
}


@pytest.mark.parametrize("name", REACHED)
def test_listener_that_can_match_is_none(name, tmp_path):
    before, last = REACHED[name]
    path = tmp_path / "reached.conf"
    path.write_text(HOST + "".join(f'listener "l{i}" {{ {keys} }}\n'
                                   for i, keys in enumerate([*before, last])))
    run = check(path)
    assert (run.returncode, run.stderr) == (0, ""), run.stderr


def test_file_to_write_that_is_too_large(tmp_path):
    path = tmp_path / "large.conf"
    path.write_text(script("write @data"))
    with open(tmp_path / "data", "wb") as data:
        data.truncate((64 << 20) + 1)
    refused(path, f"{path}:5", "@data", "too large", "64 MiB")
    os.truncate(tmp_path / "data", 64 << 20)
    assert check(path).returncode == 0


def test_pipe_to_write_is_not_waited_for(tmp_path):
    path = tmp_path / "pipe.conf"
    path.write_text(script("write @pipe"))
    os.mkfifo(tmp_path / "pipe")
    refused(path, f"{path}:5", "@pipe", "no regular file")


def test_file_that_is_not_there(tmp_path):
    refused(tmp_path / "none.conf", f"{tmp_path}/none.conf", "No such file", "would be right")


def test_directory_as_file(tmp_path):
    refused(tmp_path, str(tmp_path), "directory", "would be right")


def test_file_that_is_no_text(tmp_path):
    path = tmp_path / "binary.conf"
    path.write_bytes(HOST.encode() + b"\0" * 100)
    refused(path, str(path), "not text", "would be right")


def test_file_without_end():
    refused("/dev/zero", "/dev/zero", "16 MiB")


def test_file_that_may_not_be_read(tmp_path):
    path = tmp_path / "secret.conf"
    path.write_text(HOST)
    path.chmod(0)
    tmp_path.chmod(0o755)
    if os.geteuid() == 0:  # root may read everything
        # Where others may not go, neither file nor program can be reached: both go by descriptor.
        program = os.open(RIPOSTE, os.O_RDONLY)
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                   f"/proc/self/fd/{program}", "--check", "-c", path]
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             timeout=20, check=False, pass_fds=[program])
        os.close(program)
    else:
        run = check(path)
    assert run.returncode == 1, run
    assert run.stderr.count("\n") == 1, run.stderr
    assert run.stderr.startswith(f"{path}: ") and "Permission denied" in run.stderr, run.stderr


def test_every_prefix_of_a_right_file_is_right_or_refused_in_one_line(tmp_path):
    text = (ROOT / "config" / "lab.conf").read_bytes()
    path = tmp_path / "cut.conf"
    step = max(1, len(text) // 100)
    for end in range(0, len(text), step):
        path.write_bytes(text[:end])
        run = check(path)
        assert run.returncode in (0, 1), f"cut at {end}: {run}"
        assert run.stderr.count("\n") == run.returncode, f"cut at {end}: {run.stderr}"
        if run.returncode:
            assert run.stderr.startswith(f"{path}:"), f"cut at {end}: {run.stderr}"
