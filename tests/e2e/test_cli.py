# SPDX-License-Identifier: BSD-3-Clause
"""The command line: options, exit statuses, --check, and what is printed where."""
import os
import re
import resource
import shutil
import signal
import struct
import subprocess
import time
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.utils import rdpcap, wrpcap

ROOT = Path(__file__).resolve().parents[2]
RIPOSTE = os.environ.get(
    "RIPOSTE", ROOT / os.environ.get("RIPOSTE_BUILD", "build") / "app" / "riposte")
PREFIX = f"riposte-cli-{os.getpid()}"
EAL = ["--no-pci", "--no-huge", "-m", "128", "--file-prefix", PREFIX,
       f"--lcores=0@(0-{os.cpu_count() - 1})"]
PCAP_MAC = "02:70:63:61:70:00"  # of net_pcap's devices
SEED = "00112233445566778899aabbccddeeff"

HOST = 'host { owns = { "10.9.0.1", "fd09::/64" } connections = 1000 }\n'


@pytest.fixture(autouse=True)
def no_runtime_directory_left():
    yield
    shutil.rmtree(Path("/var/run/dpdk") / PREFIX, ignore_errors=True)


@pytest.fixture
def conf(tmp_path):
    path = tmp_path / "riposte.conf"
    path.write_text(HOST + 'listener "web" { ports = 80 script = { "accept", "close" } }\n')
    return path


@pytest.fixture
def no_packets(tmp_path):
    """EAL options of a device to which nothing comes."""
    path = tmp_path / "empty.pcap"
    path.write_bytes(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
    return [*EAL, f"--vdev=net_pcap0,rx_pcap={path}"]


def riposte(*args, **options):
    options.setdefault("timeout", 30)
    return subprocess.run([RIPOSTE, *map(str, args)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                          **options)


def one_line(run, status, *words):
    """It ended with that status, and said one line with all of words, on stderr alone."""
    assert run.returncode == status, f"exit {run.returncode}, not {status}: {run.stderr}"
    assert run.stdout == "", f"on stdout: {run.stdout}"
    assert run.stderr.count("\n") == 1 and run.stderr.endswith("\n"), \
        f"not one line: {run.stderr}"
    missing = [word for word in words if word not in run.stderr]
    assert not missing, f"{missing} not in: {run.stderr}"


# --- what the command line says ---

WRONG = {
    "nothing_at_all": ([], ["--config FILE"]),
    "no_config": (["--check"], ["--config FILE"]),
    "no_config_behind_dashes": (["--no-pci", "--"], ["--config FILE"]),
    "eal_options_alone": (["--no-pci", "--no-huge"], ["--config FILE"]),
    "config_without_file": (["--", "-c"], ["-c", "value"]),
    "unknown_long": (["--", "-c", "CONF", "--bogus"], ["--bogus"]),
    "unknown_short": (["--", "-c", "CONF", "-x"], ["-x"]),
    "unknown_short_in_a_row": (["--", "-xv"], ["-x"]),
    "short_for_several": (["--", "--ver", "--c", "CONF"], ["--c"]),
    "value_for_a_flag": (["--", "-c", "CONF", "--poll=yes"], ["--poll=yes", "no value"]),
    "argument": (["--", "-c", "CONF", "more"], ["more"]),
    "exit_idle_no_time": (["--", "-c", "CONF", "--exit-idle", "soon"], ["--exit-idle soon", "10s"]),
    "exit_idle_zero": (["--", "-c", "CONF", "--exit-idle", "0"], ["--exit-idle 0", "over 0"]),
    "for_without_unit": (["--", "-c", "CONF", "--for", "10"], ["--for 10", "unit"]),
    "for_negative": (["--", "-c", "CONF", "--for=-1s"], ["--for -1s", "unit"]),
    "for_without_time": (["--", "-c", "CONF", "--for"], ["--for", "value"]),
    "stats_zero": (["--", "-c", "CONF", "--stats", "0ms"], ["--stats 0ms", "over 0"]),
    "seed_too_short": (["--", "-c", "CONF", "--seed", SEED[1:]], ["--seed", "32 hexadecimal"]),
    "seed_too_long": (["--", "-c", "CONF", "--seed", SEED + "0"], ["--seed", "32 hexadecimal"]),
    "seed_not_hex": (["--", "-c", "CONF", "--seed", "g" * 32], ["--seed", "32 hexadecimal"]),
    "capture": (["--", "-c", "CONF", "--capture", "x.pcapng"], ["--capture", "not in this"]),
    "eal_option_unknown": ([*EAL, "--bogus", "--", "-c", "CONF"], ["EAL"]),
    "eal_lcore_that_is_not_there": (["--no-pci", "--no-huge", "--lcores=0@9999", "--", "-c",
                                     "CONF"], ["EAL"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_command_line_is_one_line_and_exit_2(name, conf):
    args, words = WRONG[name]
    one_line(riposte(*[conf if arg == "CONF" else arg for arg in args]), 2, "riposte: ", *words)


def test_configuration_error_comes_before_eal_and_devices(tmp_path):
    path = tmp_path / "wrong.conf"
    path.write_text("host { owns = nobody }\n")
    one_line(riposte("--bogus-eal-option", "--", "-c", path), 1, f"{path}:1: ")


@pytest.mark.parametrize("args", (["--help"], ["-h"], ["--", "--help"], ["--no-pci", "--", "-h"]))
def test_help_lists_every_option_and_key(args):
    run = riposte(*args)
    assert (run.returncode, run.stderr) == (0, "")
    for word in ("-c, --config FILE", "--check", "--exit-idle TIME", "--for TIME", "--seed HEX32",
                 "--poll", "--stats TIME", "-v, --version", "-h, --help", "[EAL options] --",
                 "owns", "closed", "cookies", "connections", "msl", "challenge_acks", "ttl",
                 "min_mss", "cookie_key", "ports", "on", "script", "backlog", "syn_ack_delay",
                 "handshake_timeout", "receive_buffer", "chance", "first", "senders",
                 "echo_memory", "send_buffer"):
        assert re.search(rf"(^|\s){re.escape(word)}(\s|$)", run.stdout, re.MULTILINE), word
    assert max(map(len, run.stdout.splitlines())) <= 100


@pytest.mark.parametrize("args", (["--version"], ["-v"], ["--", "-v"]))
def test_version(args):
    run = riposte(*args)
    assert (run.returncode, run.stderr) == (0, "")
    assert re.fullmatch(r"riposte \d+\.\d+\.\d+ \(DPDK [^)]+\)\n", run.stdout), run.stdout


# --- --check ---

@pytest.mark.parametrize("args", (
    ["--check", "-c", "CONF"], ["-c", "CONF", "--check"], ["--config=CONF", "--check"],
    ["--", "--check", "-c", "CONF"], ["--no-pci", "--", "--check", "--config", "CONF"],
    ["--check", "-c", "CONF", "--stats", "1s", "--seed", SEED]))
def test_check_with_and_without_dashes(args, conf):
    run = riposte(*[arg.replace("CONF", str(conf)) for arg in args])
    assert (run.returncode, run.stderr) == (0, ""), run.stderr
    assert '"10.9.0.1"' in run.stdout and 'listener "web"' in run.stdout, run.stdout


def test_check_prints_every_key_of_every_listener(tmp_path):
    path = tmp_path / "all.conf"
    path.write_text('''host {
    owns = { 10.9.0.1, "198.51.100.0/24", 'fd09::1', "2001:db8:1::/64" }
    closed = drop
    cookies = never
    connections = 77
    senders = 7
    echo_memory = 123456
    msl = "1500ms"
    challenge_acks = 0
    ttl = 17
    min_mss = 536
    cookie_key = 00112233445566778899AABBccddeeff
}
listener "one" {
    ports = { 9877, "10000-10099" }
    on = "198.51.100.0/24"
    script = { "accept", "read 4096", "timeout 1m", "read all", "linger 0", "close" }
    backlog = 20
    syn_ack_delay = "110ms"
    handshake_timeout = "90s"
    receive_buffer = 1000000
    send_buffer = 2000000
    cookies = auto
    chance = 0.25
    first = 9
}
listener "t\u00f6 o" { ports = 9877 }
''', encoding="utf-8")
    run = riposte("--check", "-c", path)
    assert (run.returncode, run.stderr) == (0, ""), run.stderr
    said = [re.sub(r"\s+", " ", line).strip() for line in run.stdout.splitlines()]
    for line in ('owns = { "10.9.0.1", "198.51.100.0/24", "fd09::1", "2001:db8:1::/64" }',
                 "closed = drop", "cookies = never", "connections = 77", 'msl = "1500ms"',
                 "senders = 7", "echo_memory = 123456", "send_buffer = 2000000",
                 "senders = 7", "send_buffer = 262144",
                 "challenge_acks = 0", "ttl = 17", "min_mss = 536",
                 'ports = { 9877, "10000-10099" }', 'on = { "198.51.100.0/24" }',
                 'script = { "accept", "read 4096", "timeout 1m", "read all", "linger 0", '
                 '"close" }',
                 "backlog = 20", 'syn_ack_delay = "110ms"', 'handshake_timeout = "90s"',
                 "receive_buffer = 1000000", "cookies = auto", "chance = 0.25", "first = 9",
                 "ports = { 9877 }", "backlog = 128", 'syn_ack_delay = "0"',
                 'handshake_timeout = "0"', "receive_buffer = 65535", "chance = 1.0", "first = 0"):
        assert line in said, f"no line {line!r} in\n{run.stdout}"
    assert "00112233" not in run.stdout, "a key is a secret"
    # The second listener has the host's cookies.
    assert said[said.index('listener "t\u00f6 o" { # line 27'):].count("cookies = never") == 1


# Calls as they stand in a file, and as --check prints them.
WRITES = {
    r'"write \"HTTP/1.0 200 OK\r\n\r\nhello\""': r'"write \"HTTP/1.0 200 OK\r\n\r\nhello\""',
    r"""'write "in single quotes"'""": r'"write \"in single quotes\""',
    r'"write \"say \"hi\" to C:\\ # no comment\""': r'"write \"say \"hi\" to C:\\ # no comment\""',
    r'"write \"\x01\x7f\377\t\123\""': r'"write \"\x01\x7f\xff\tS\""',
    r'"write \"\${NAME} $NAME\""': r'"write \"\${NAME} $NAME\""',
    r'"write \"\\\${x}\""': r'"write \"\\\${x}\""',
    r'"write   \"\"  "': r'"write \"\""',
    '"write @data"': '"write @data"',
    "'write   @the \"$data\"'": r'"write @the \"$data\""',
    '"echo"': '"echo"',
}


@pytest.mark.parametrize("call", WRITES)
def test_what_is_printed_of_a_write_means_the_same(call, tmp_path):
    path = tmp_path / "writes.conf"
    (tmp_path / "data").write_bytes(b"\0\1")
    (tmp_path / 'the "$data"').write_bytes(b"")
    text = HOST + 'listener "web" { ports = 80 script = { "accept", %s, "close" } }\n'
    path.write_text(text % call)
    for _ in range(2):
        run = riposte("--check", "-c", path)
        assert (run.returncode, run.stderr) == (0, ""), run.stderr
        assert f'{{ "accept", {WRITES[call]}, "close" }}' in run.stdout, run.stdout
        path.write_text(text % WRITES[call])


def test_long_write_is_printed_whole(tmp_path):
    path = tmp_path / "long.conf"
    call = r'"write \"' + r"\x01\n" * 10000 + r'\""'
    path.write_text(HOST + f'listener "web" {{ ports = 80 script = {{ "accept", {call} }} }}\n')
    assert call in riposte("--check", "-c", path).stdout


def test_file_to_write_is_found_from_the_configuration_on(tmp_path):
    (tmp_path / "etc" / "data").mkdir(parents=True)
    path = tmp_path / "etc" / "riposte.conf"
    (tmp_path / "etc" / "data" / "page").write_text("page")
    for name in ("data/page", "../etc/data/page", tmp_path / "etc" / "data" / "page"):
        path.write_text(HOST + 'listener "web" { ports = 80 '
                        f'script = {{ "accept", "write @{name}" }} }}\n')
        for conf_name, directory in ((path, "/"), ("etc/riposte.conf", tmp_path),
                                     ("riposte.conf", path.parent)):
            run = riposte("--check", "-c", conf_name, cwd=directory)
            assert (run.returncode, run.stderr) == (0, ""), run.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.conf")), ids=lambda p: p.name)
def test_configuration_that_comes_with_it_is_right_and_what_is_printed_means_the_same(
        path, tmp_path):
    first = riposte("--check", "-c", path)
    assert (first.returncode, first.stderr) == (0, ""), first.stderr
    again = tmp_path / "again.conf"
    again.write_text(first.stdout, encoding="utf-8")
    second = riposte("--check", "-c", again)
    assert (second.returncode, second.stderr) == (0, ""), second.stderr

    def plain(text):
        return re.sub(r"\s*#.*", "", text)

    assert plain(second.stdout) == plain(first.stdout)


def test_configuration_from_a_pipe():
    run = subprocess.run([RIPOSTE, "--check", "-c", "/dev/stdin"], input=HOST,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=20,
                         check=False)
    assert (run.returncode, run.stderr) == (0, ""), run.stderr


def test_check_does_not_need_root_or_devices(conf):
    program = os.open(RIPOSTE, os.O_RDONLY)
    conf_fd = os.open(conf, os.O_RDONLY)
    command = [f"/proc/self/fd/{program}", "--check", "-c", f"/proc/self/fd/{conf_fd}"]
    if os.geteuid() == 0:
        os.fchmod(conf_fd, 0o644)
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
    run = subprocess.run(["unshare", "--net", *command] if os.geteuid() == 0 else command,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=20,
                         check=False, pass_fds=[program, conf_fd])
    os.close(program)
    os.close(conf_fd)
    assert (run.returncode, run.stderr) == (0, ""), run.stderr


# --- devices and memory ---

def test_no_device_is_one_line_and_exit_3(conf):
    one_line(riposte(*EAL, "--", "-c", conf), 3, "riposte: ", "vfio-pci", "--vdev")


@pytest.mark.parametrize("device", (
    "net_af_packet0,iface=none-such", "net_pcap0,rx_pcap=/none/such.pcap", "net_no_such0"))
def test_device_that_cannot_be_had_is_one_line_and_exit_3(device, conf):
    one_line(riposte(*EAL, f"--vdev={device}", "--", "-c", conf), 3, "riposte: ",
             device.split(",", maxsplit=1)[0])


@pytest.mark.parametrize("option", (
    ["-a", "0000:ff:1f.7"], ["-aff:1f.7,x=1"], ["--allow=0000:ff:1f.7"],
    ["--allow", "0000:ff:1f.7"]))
def test_nic_that_is_named_and_not_there_is_one_line_and_exit_3(option, conf, no_packets):
    one_line(riposte(*no_packets, *option, "--", "-c", conf, "--for", "0"), 3,
             "riposte: device ", "ff:1f.7", "cannot be had", "vfio-pci")


def test_more_connections_than_there_is_memory_is_one_line_and_exit_3(tmp_path, no_packets):
    path = tmp_path / "huge.conf"
    path.write_text(HOST.replace("1000", "268435456"))
    # However much this machine has: it is told of one GiB.
    memory = tmp_path / "meminfo"
    memory.write_text("MemTotal: 1048576 kB\nMemAvailable: 1048576 kB\n")
    run = subprocess.run(
        ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /proc/meminfo && exec "$@"', memory,
         RIPOSTE, *no_packets, "--", "-c", path], stdin=subprocess.DEVNULL, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60)
    refusals = [line for line in run.stderr.splitlines() if "connections" in line]
    assert (run.returncode, run.stdout, len(refusals)) == (3, "", 1), run
    assert "MiB" in refusals[0], run.stderr


# --- running and stopping ---

def test_exit_idle_ends_with_0_and_rx_though_nothing_came(conf, no_packets):
    run = riposte(*no_packets, "--", "-c", conf, "--exit-idle", "100ms")
    assert (run.returncode, run.stdout) == (0, "rx: 0\n"), run


def test_for_ends_with_0_in_time(conf, no_packets):
    begin = time.monotonic()
    at_once = riposte(*no_packets, "--", "-c", conf, "--for", "0")
    start = time.monotonic() - begin
    run = riposte(*no_packets, "--", "-c", conf, "--for", "700ms")
    took = time.monotonic() - begin - start
    assert (at_once.returncode, at_once.stdout) == (0, "rx: 0\n"), at_once
    assert (run.returncode, run.stdout) == (0, "rx: 0\n"), run
    assert took >= 0.7, f"ended after {took} s"


@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM))
def test_signal_ends_with_0_and_counters(number, conf, no_packets):
    with subprocess.Popen([RIPOSTE, *no_packets, "--", "-c", conf, "--stats", "50ms"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        first = process.stdout.readline()  # a line at a time, also into a pipe
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert re.fullmatch(r"rx \d+/s +answered \d+/s +consumed \d+/s +dropped \d+/s +tx \d+/s +"
                        r"connections \d+\n", first), first
    assert out.endswith("rx: 0\n"), out


def test_what_cannot_be_printed_is_not_success():
    with open("/dev/full", "w", encoding="utf-8") as full:
        run = subprocess.run([RIPOSTE, "--help"], stdout=full, stderr=subprocess.PIPE, text=True,
                             check=False)
    assert (run.returncode, run.stderr.count("\n")) == (4, 1), run


def test_reader_of_the_rates_may_leave(conf, no_packets):
    with subprocess.Popen([RIPOSTE, *no_packets, "--", "-c", conf, "--stats", "10ms", "--for",
                           "500ms"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as process:
        process.stdout.readline()
        process.stdout.close()
        process.wait(timeout=20)
        assert process.returncode == 0, f"ended by {process.returncode}: {process.stderr.read()}"


def test_wrong_eal_option_is_named(conf):
    one_line(riposte(*EAL, "--frobnicate", "--", "-c", conf), 2, "--frobnicate", "--help --")


def test_help_in_front_of_the_dashes_is_eals():
    run = riposte("--help", "--")
    assert run.returncode == 0 and "--vdev" in run.stdout, run


def test_second_of_the_same_file_prefix_is_refused(conf, no_packets):
    with subprocess.Popen([RIPOSTE, *no_packets, "--", "-c", conf, "--stats", "50ms"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as first:
        first.stdout.readline()
        second = riposte(*no_packets, "--", "-c", conf, "--for", "0")
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=20)
    one_line(second, 3, "another DPDK program", "--file-prefix")
    assert first.returncode == 0


def test_idle_sleeps(conf, no_packets):
    """Polling would take all of a CPU; how little it takes is for a benchmark to say."""
    def cpu(seconds):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert riposte(*no_packets, "--", "-c", conf, "--for", f"{seconds}s").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    share = (cpu(4) - cpu(1)) / 3
    assert share < 0.25, f"{share:.1%} of a CPU while idle"


# --- --seed and cookie_key ---

def syn_acks(directory, conf, *options):
    """The sequence numbers with which riposte answers two SYNs."""
    frames = [Ether(src="02:00:00:00:00:02", dst=PCAP_MAC) / IP(src="10.9.0.2", dst="10.9.0.1") /
              TCP(sport=sport, dport=80, flags="S", seq=7) for sport in (1111, 2222)]
    into, out = directory / "in.pcap", directory / "out.pcap"
    wrpcap(str(into), frames)
    run = riposte(*EAL, f"--vdev=net_pcap0,rx_pcap={into},tx_pcap={out}", "--", "-c", conf,
                  "--exit-idle", "50ms", *options)
    assert run.returncode == 0, run.stderr
    assert "rx: 2\nanswered: 2\n" in run.stdout, run.stdout
    answers = [frame for frame in rdpcap(str(out)) if frame[TCP].flags == "SA"]
    assert [frame[TCP].dport for frame in answers] == [1111, 2222], answers
    return [frame[TCP].seq for frame in answers]


def test_seed_fixes_sequence_numbers(tmp_path, conf):
    first = syn_acks(tmp_path, conf, "--seed", SEED)
    assert syn_acks(tmp_path, conf, "--seed", SEED.upper()) == first
    assert syn_acks(tmp_path, conf, "--seed", SEED[::-1]) != first
    assert syn_acks(tmp_path, conf) != syn_acks(tmp_path, conf)


def test_machines_with_one_cookie_key_send_the_same_cookies(tmp_path):
    def cookies(key):
        path = tmp_path / "cookies.conf"
        path.write_text(f'host {{ owns = "10.9.0.1" connections = 1000 cookies = always {key} }}\n'
                        'listener "web" { ports = 80 }\n')
        return syn_acks(tmp_path, path)

    if time.time() % 64 > 54:
        time.sleep(64 - time.time() % 64)  # both in one tick of the cookies' clock
    same = [cookies(f"cookie_key = {SEED}") for _ in range(2)]
    assert same[0] == same[1]
    assert cookies(f"cookie_key = {SEED[::-1]}") != same[0]
    assert cookies("") != cookies("")
