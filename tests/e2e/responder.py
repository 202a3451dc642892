# SPDX-License-Identifier: BSD-3-Clause
"""responder - a running riposte: started, waited for, stopped, and its counters looked at."""
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

from netns import die_with_parent

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("RIPOSTE_BUILD", "build")
BINARY = BUILD / "app" / "riposte"
UNDER = shlex.split(os.environ.get("RIPOSTE_UNDER", ""))  # valgrind, say
RUNTIME = Path("/var/run/dpdk")
EAL = ["--no-pci", "--no-huge", "-m", "256"]


def lcores_option(count):
    """Lcores that may run on every CPU: EAL would pin each riposte of a test run to the first."""
    return "--lcores=" + ",".join(f"{n}@(0-{os.cpu_count() - 1})" for n in range(count))


class Counters(dict):
    """What riposte printed at exit. A counter that it did not print is 0."""

    def __missing__(self, name):
        return 0

    def group(self, prefix):
        """The non-zero counters below prefix, without it."""
        return {name[len(prefix):]: value for name, value in self.items()
                if name.startswith(prefix) and value}

    @property
    def dropped(self):
        return self.group("dropped.")

    @property
    def rst(self):
        return self.group("rst.")


class Riposte:
    """One run of the program with a configuration given as text."""

    def __init__(self, conf, directory, prefix, devices, options=(), netns=None,
                 lcores=1):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.prefix = prefix
        self.conf = self.directory / "riposte.conf"
        self.conf.write_text(conf, encoding="utf-8")
        self.command = [*UNDER, str(BINARY), *EAL, lcores_option(lcores), "--file-prefix", prefix,
                        *(f"--vdev={device}" for device in devices),
                        "--", "-c", str(self.conf), *options]
        if netns:
            self.command = [*netns.command(), *self.command]
        self.process = None
        self.stopped = False

    def start(self):
        with open(self.directory / "stdout", "wb") as out, \
             open(self.directory / "stderr", "wb") as err:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=err, preexec_fn=die_with_parent)

    def output(self, stream="stdout"):
        return (self.directory / stream).read_text(encoding="utf-8", errors="replace")

    def wait_until(self, condition, what, seconds=30):
        """Waits for condition() while riposte runs."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, f"riposte ended: {self._said()}"
            assert time.monotonic() < deadline, f"waited {seconds} s until {what}: {self._said()}"
            time.sleep(0.02)

    def stop(self, how=signal.SIGTERM):
        """Asks it to end; returns the counters after checking them."""
        assert self.process.poll() is None, f"riposte ended by itself: {self._said()}"
        self.process.send_signal(how)
        return self.finish()

    def finish(self, seconds=60):
        """Waits for the end and returns the counters, which have to balance."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self.stopped = True
        shutil.rmtree(RUNTIME / self.prefix, ignore_errors=True)
        assert self.process.returncode == 0, self._said()
        counters = self.counters()
        dropped = sum(counters.dropped.values())
        assert counters["rx"] == counters["answered"] + counters["consumed"] + dropped, counters
        # It says so only when some were lost.
        assert "mbufs_in_use" not in counters, counters
        return counters

    def counters(self):
        found = re.findall(r"^([a-z0-9_.]+): ([0-9]+)$", self.output(), re.MULTILINE)
        assert "rx" in dict(found), f"no counters: {self._said()}"
        return Counters((name, int(value)) for name, value in found)

    def kill(self):
        """For a test that failed: no questions asked."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(RUNTIME / self.prefix, ignore_errors=True)

    def _said(self):
        return (f"exit {self.process.returncode}\n--- stdout\n{self.output()[-2000:]}"
                f"\n--- stderr\n{self.output('stderr')[-2000:]}")
