# SPDX-License-Identifier: BSD-3-Clause
"""scripts/run, the laboratory of one command: it serves a client, tells a second start so, removes
what it made however it ends, and leaves the host's own network alone."""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

from responder import ROOT
from runlab import ANSWERS, Run, host, lab_name, left  # noqa: F401, the fixture "name"


def client(name, *command):
    return subprocess.run(["ip", "netns", "exec", name, *command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, timeout=60)


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


@pytest.mark.parametrize("conf", ["lab.conf", "scenarios.conf"])
def test_prints_commands_that_can_be_pasted(name, tmp_path, conf):
    lab = Run(tmp_path, name, str(ROOT / "config" / conf))
    lab.wait_for("Ctrl-C ends it")
    commands = re.findall(r"^  sudo (ip netns exec .*)$", lab.said(), re.MULTILINE)
    with open(ROOT / "config" / conf, encoding="utf-8") as file:
        assert len(commands) == 1 + sum(1 for line in file if "# try: " in line)
    silent, typing = os.pipe()  # a terminal at which nobody types anything
    for command in commands:
        stdin = subprocess.DEVNULL if "Ctrl-D" in command else silent
        done = subprocess.run(["sh", "-c", command], stdin=stdin, check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        assert "not found" not in done.stdout, done.stdout
        for promise in ("Connection refused", "timed out", "Connection reset by peer"):
            if command.partition("   # ")[2].startswith(promise):
                assert promise in done.stdout, (command, done.stdout)
    os.close(typing)
    os.close(silent)
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


@pytest.mark.parametrize("arguments, status, says", [
    (["--help"], 0, "usage: "), (["demo", "--help"], 0, "usage: "),
    ([], 1, "sudo "), (["demo", "2b"], 1, "demo 2b")])
def test_who_is_not_root_is_helped_or_told(arguments, status, says):
    with tempfile.TemporaryDirectory() as readable:
        os.chmod(readable, 0o755)
        shutil.copytree(ROOT / "scripts", f"{readable}/scripts")
        run = subprocess.run([f"{readable}/scripts/run", *arguments], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, check=False, user=65534)
    assert run.returncode == status and says in run.stdout, run.stdout


@pytest.mark.parametrize("lab", ["../x", "a b", "a/b", ".", "-x"])
def test_a_name_that_no_namespace_can_have_is_refused(lab, tmp_path):
    refused = Run(tmp_path, lab)
    assert refused.process.wait(60) == 1
    assert "RIPOSTE_LAB" in refused.said() and refused.said().count("\n") == 1
