# SPDX-License-Identifier: BSD-3-Clause
"""ctllab - ripostectl and the telemetry socket that a test answers for it, for the tests of ripostectl
alone."""
import contextlib
import os
import shutil
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
