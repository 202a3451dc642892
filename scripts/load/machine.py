# SPDX-License-Identifier: BSD-3-Clause
"""machine - processes and what they use, processors, huge pages."""
import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from ctl.instance import Refused, one_line, Telemetry, runtime_directory

PR_SET_PDEATHSIG = 1
WORDS = 120  # characters of what a program said
HUGE_PAGE_KIB = 2048
HUGE_PAGES = Path(f"/sys/kernel/mm/hugepages/hugepages-{HUGE_PAGE_KIB}kB/nr_hugepages")
_libc = ctypes.CDLL(None, use_errno=True)


class LoadError(Exception):
    """What could not be done, in one line."""


@dataclass(frozen=True)
class Cpus:
    """Whose processor is which. With two, what Pktgen shows is made beside what it sends."""
    responder: int
    sender: int
    display: int


def choose_cpus(given=None):
    usable = sorted(os.sched_getaffinity(0))
    chosen = given or usable[:3]
    if missing := [cpu for cpu in chosen if cpu not in usable]:
        raise LoadError(f"--cpus: processor {missing[0]} cannot be used, only "
                        f"{','.join(map(str, usable))}")
    if len(chosen) < 2:
        raise LoadError("two processors are needed, one for riposte and one for the load")
    return Cpus(chosen[0], chosen[1], chosen[2] if len(chosen) > 2 else chosen[1])


def give_away(*paths):
    """To whoever called sudo."""
    if "SUDO_UID" in os.environ:
        for path in paths:
            os.chown(path, int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"]),
                     follow_symlinks=False)


@contextlib.contextmanager
def scratch(logs=None, name="load"):
    """A directory that nobody else can look into. logs: where what programs said is kept."""
    path = Path(tempfile.mkdtemp(prefix=f"riposte-{name}-", dir="/run"))
    try:
        yield path
    finally:
        if logs:
            logs.mkdir(parents=True, exist_ok=True)
            give_away(logs, *(Path(shutil.copy(each, logs)) for each in path.glob("*.log")))
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def huge_pages(mib):
    """mib of huge pages more than there were meanwhile."""
    before = int(HUGE_PAGES.read_text("ascii"))
    wanted = before + mib * 1024 // HUGE_PAGE_KIB
    HUGE_PAGES.write_text(str(wanted), "ascii")
    there = int(HUGE_PAGES.read_text("ascii"))
    try:
        if there < wanted:
            raise LoadError(f"{mib} MiB of huge pages could not be had, the machine gives "
                            f"{(there - before) * HUGE_PAGE_KIB // 1024}: --no-huge does without")
        yield
    finally:
        # Others may have changed it meanwhile.
        HUGE_PAGES.write_text(str(int(HUGE_PAGES.read_text("ascii")) - (there - before)), "ascii")


def _child():
    """It ends with us, and hears Ctrl-C only from us."""
    os.setsid()
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Program:
    """A program that runs until it is closed. What it says is in a file.
    peer: another one, without which there is nothing to wait for."""

    peer = None

    def __init__(self, name, command, directory, **options):
        self.name = name
        self.directory = Path(directory)
        self.log = self.directory / f"{name}.log"
        with open(self.log, "wb") as log:
            options = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": subprocess.STDOUT,
                       **options}
            try:
                self.process = subprocess.Popen([*map(str, command)], preexec_fn=_child, **options)
            except OSError as error:
                raise LoadError(f"{command[0]}: {error.strerror}") from None

    def said(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def last_words(self):
        """The line that says why it ended, as far as one can tell, without a terminal's colours."""
        lines = [one_line(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line)).strip()
                 for line in self.said().splitlines()]
        lines = [line for line in lines if line]
        causes = [line for line in lines if re.search(r"PANIC|Cause: |[Ee]rror|[Cc]annot", line)]
        return (causes or lines[-1:] or ["it said nothing"])[-1][:WORDS]

    def check(self):
        """It has to run, and its peer too."""
        if self.peer:
            self.peer.check()
        if self.process.poll() is not None:
            raise LoadError(f"{self.name} ended with {self.process.returncode}: {self.last_words()}")

    def wait_until(self, condition, what, seconds=60):
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            self.check()
            if time.monotonic() > deadline:
                raise LoadError(f"waited {seconds} s until {what}: {self.last_words()}")
            time.sleep(0.05)
        return value

    def wait(self, seconds):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise LoadError(f"{self.name} does not end within {seconds} s: "
                            f"{self.last_words()}") from None

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _proc(self, name):
        return Path(f"/proc/{self.process.pid}/{name}").read_text("ascii", errors="replace")

    def cpu_seconds(self):
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def anonymous_kib(self):
        """What it holds for itself alone. Not the buffers, of which it says at its end whether they
        all came back, and which are the other side's too."""
        for line in self._proc("status").splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
        raise LoadError("/proc/PID/status has no RssAnon")

    def of_thread(self, number, name):
        """A file of /proc about one of its threads."""
        return self._proc(f"task/{number}/{name}")

    def threads(self):
        """(number, name) of each."""
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(OSError):
                yield int(task.name), (task / "comm").read_text("ascii", errors="replace").strip()


class DpdkProgram(Program):
    """One that telemetry can ask, once it runs."""

    def __init__(self, name, command, directory, prefix, **options):
        self.prefix = prefix
        self.telemetry = None
        super().__init__(name, command, directory, **options)

    def ready(self):
        """Returns once it can be asked. Not done at once: who made it has to be able to close it."""
        path = runtime_directory() / self.prefix / "dpdk_telemetry.v2"

        def try_it():
            with contextlib.suppress(Refused):
                return Telemetry(self.prefix, path)
            return None

        self.telemetry = self.wait_until(try_it, "it can be asked")

    def ask(self, command, *parameters, kind=dict):
        try:
            return self.telemetry.ask(command, kind, *parameters)
        except Refused as why:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(1)
            self.check()
            raise LoadError(str(why)) from None

    def ethernet(self, port):
        """The counters of a device."""
        return self.ask("/ethdev/stats", port)

    def mac(self):
        """Of its first device."""
        return self.ask("/ethdev/info", 0)["mac_addr"].lower()

    def close(self):
        if self.telemetry:
            self.telemetry.close()
        super().close()
        shutil.rmtree(runtime_directory() / self.prefix, ignore_errors=True)
