# SPDX-License-Identifier: BSD-3-Clause
"""program - riposte as the guest starts and ends it, and what it said."""
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RIPOSTE = str(ROOT / "build" / "app" / "riposte")
DEBUG = str(ROOT / "build-debug" / "app" / "riposte")  # it looks for misdirected frames
CONF = str(ROOT / "tests" / "vfio" / "guest.conf")


def run(*command, seconds=200):
    """(exit status, stdout, stderr); the status is None if it took too long."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as slow:
        return None, slow.stdout or "", slow.stderr or ""
    return done.returncode, done.stdout, done.stderr


class Riposte:
    """One run, on a device, with these lcores."""

    def __init__(self, name, device, lcores="0", program=RIPOSTE):
        self.out, self.err = Path(f"/tmp/{name}.out"), Path(f"/tmp/{name}.err")
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                [program, "-l", lcores, "-a", device, "--", "-c", CONF],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    def said(self):
        return self.err.read_text(encoding="utf-8", errors="replace")

    def wait_until_said(self, pattern, seconds=200):
        """The match, or what it said instead."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            found = re.search(pattern, self.said(), re.MULTILINE)
            if found:
                return found[0]
            time.sleep(0.05)
        return f"exit {self.process.poll()}, {self.said()!r}"

    def end(self, number=signal.SIGTERM, seconds=200):
        """Its exit status; "still running" if it has none in time."""
        self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "still running"

    def counters(self):
        """What it printed at exit; a counter that it did not print is not there."""
        out = self.out.read_text(encoding="utf-8")
        return {name: int(value) for name, value in
                re.findall(r"^([a-z0-9_.]+): ([0-9]+)$", out, re.MULTILINE)}

    def show(self):
        """All that it said, to the console, for whoever looks for the cause of a failure."""
        for path in (self.out, self.err):
            sys.stderr.write(f"--- {path.name}\n{path.read_text(errors='replace')}")
        sys.stderr.flush()
