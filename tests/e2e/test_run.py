# SPDX-License-Identifier: BSD-3-Clause
"""scripts/run, the laboratory of one command: it serves a client, tells a second start so, removes
what it made however it ends, and leaves the host's own network alone."""
import contextlib
import os
import re
import signal
import subprocess
import time

import pytest

from netns import die_with_parent, run, unique
from responder import BUILD, ROOT, RUNTIME

RUN = ROOT / "scripts" / "run"
ANSWERS = "riposte answers."


class Run:
    """One start of scripts/run, in a laboratory of its own name."""

    def __init__(self, directory, name, *arguments):
        self.name = name
        self.output = directory / f"output{time.monotonic_ns()}"
        environment = {**os.environ, "RIPOSTE_LAB": name, "RIPOSTE_BUILD": BUILD.name}
        with open(self.output, "wb") as out:
            self.process = subprocess.Popen(
                [str(RUN), *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, preexec_fn=die_with_parent)

    def said(self):
        return self.output.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, text, seconds=120):
        deadline = time.monotonic() + seconds
        while text not in self.said():
            assert self.process.poll() is None and time.monotonic() < deadline, self.said()
            time.sleep(0.05)

    def end(self, how):
        self.process.send_signal(how)
        return self.process.wait(60)

    def riposte(self):
        """The process numbers in riposte's namespace."""
        return run("ip", "netns", "pids", f"{self.name}-nic").split()


def left(name):
    """What there is of the laboratory."""
    namespaces = re.findall(rf"^{name}\S*", run("ip", "netns", "list"), re.MULTILINE)
    return namespaces + ([name] if (RUNTIME / name).exists() else [])


@pytest.fixture
def name():
    made = unique("run")
    yield made
    for namespace in (made, f"{made}-nic"):
        subprocess.run(["ip", "netns", "delete", namespace], check=False,
                       stderr=subprocess.DEVNULL)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"/run/{made}.lock")


def client(name, *command):
    return subprocess.run(["ip", "netns", "exec", name, *command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, timeout=60)


def host():
    """The host's own network, and its hugepages."""
    with open("/proc/meminfo", encoding="ascii") as file:
        pages = [line for line in file if line.startswith("HugePages")]
    routes = run("ip", "route") + run("ip", "-6", "route")
    return run("ip", "-br", "address"), re.sub(r"expires \d+sec", "", routes), pages


def test_serves_a_client_and_cleans_up_on_ctrl_c(name, tmp_path):
    before = host()
    lab = Run(tmp_path, name)
    lab.wait_for(ANSWERS)
    assert client(name, "ping", "-c", "1", "-W", "10", "10.9.0.1").returncode == 0
    assert client(name, "ping", "-c", "1", "-W", "10", "fd09::1").returncode == 0
    assert client(name, "curl", "-sS", "http://10.9.0.1:1/").returncode == 7
    lab.wait_for("connections")  # the line of rates
    assert host() == before
    assert lab.end(signal.SIGINT) == 0, lab.said()
    assert re.search(r"^rx: \d+$", lab.said(), re.MULTILINE)
    assert left(name) == []
    assert host() == before


def test_prints_commands_that_can_be_pasted(name, tmp_path):
    lab = Run(tmp_path, name)
    lab.wait_for("Ctrl-C ends it")
    commands = re.findall(r"^  sudo (ip netns exec .*)$", lab.said(), re.MULTILINE)
    with open(ROOT / "config" / "lab.conf", encoding="utf-8") as file:
        assert len(commands) == 1 + sum(1 for line in file if "# try: " in line)
    for command in commands:
        done = subprocess.run(["sh", "-c", command], stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=60)
        assert "not found" not in done.stdout, done.stdout
        for promise in ("Connection refused", "timed out", "Connection reset by peer"):
            if command.partition("   # ")[2].startswith(promise):
                assert promise in done.stdout, (command, done.stdout)
    assert lab.end(signal.SIGTERM) == 0, lab.said()
    assert left(name) == []


def test_second_start_says_so_and_disturbs_nothing(name, tmp_path):
    first = Run(tmp_path, name)
    first.wait_for(ANSWERS)
    second = Run(tmp_path, name)
    assert second.process.wait(60) != 0
    assert len(second.said().splitlines()) == 1 and "running already" in second.said()
    assert client(name, "ping", "-c", "1", "-W", "10", "10.9.0.1").returncode == 0
    assert first.end(signal.SIGTERM) == 0
    assert left(name) == []


def test_a_killed_run_is_cleaned_up_by_the_next(name, tmp_path):
    """riposte does not outlive it either."""
    first = Run(tmp_path, name)
    first.wait_for(ANSWERS)
    riposte, = first.riposte()
    first.end(signal.SIGKILL)
    assert left(name) != []
    deadline = time.monotonic() + 20
    while os.path.exists(f"/proc/{riposte}"):
        assert time.monotonic() < deadline, "riposte lives on"
        time.sleep(0.05)
    second = Run(tmp_path, name)
    second.wait_for(ANSWERS)
    assert second.end(signal.SIGINT) == 0
    assert left(name) == []


def test_a_failure_is_told_and_cleaned_up(name, tmp_path):
    conf = tmp_path / "bad.conf"
    conf.write_text('host { owns = { "10.9.0.1" } colour = green }\n', encoding="utf-8")
    lab = Run(tmp_path, name, str(conf))
    assert lab.process.wait(120) == 1
    assert f"{conf}:1: " in lab.said()
    assert left(name) == []


def test_riposte_that_dies_ends_the_run(name, tmp_path):
    lab = Run(tmp_path, name)
    lab.wait_for(ANSWERS)
    riposte, = lab.riposte()
    os.kill(int(riposte), signal.SIGKILL)
    assert lab.process.wait(60) != 0
    assert left(name) == []


@pytest.mark.parametrize("arguments, status", [(["--help"], 0), (["--no-such"], 2),
                                               (["no-such-file"], 1)])
def test_arguments(name, tmp_path, arguments, status):
    lab = Run(tmp_path, name, *arguments)
    assert lab.process.wait(60) == status
    assert lab.said().count("\n") >= 1
    assert left(name) == []
