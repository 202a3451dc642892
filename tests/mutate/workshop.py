# SPDX-License-Identifier: BSD-3-Clause
"""Builds lib as a shared library, the unit tests against it and the simulator, once; then a library
for each mutant, with which the same programs are run."""
import os
import pathlib
import re
import resource
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CFLAGS = ["-std=gnu11", "-O1", "-fPIC", "-w", "-I", str(ROOT / "lib")]
HARNESS = ["send_harness", "stack_frame", "stack_harness", "story", "tcp_harness", "text_harness"]
# They ask nothing of the rules; stack_path only takes long.
ELSEWHERE = {"addr_set", "byte_queue", "checksum", "flow_table", "isn", "listener", "path_table",
             "script", "siphash", "stack_path", "timer_wheel"}
SIM = "sim"
ADDRESS_SPACE = 8 << 30  # a mutant may ask for any amount of memory


class Broken(Exception):
    """What is not mutated does not build, or does not pass its tests."""


def command(*words, cwd=None):
    return subprocess.run([str(w) for w in words], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False, cwd=cwd)


def newest(*patterns):
    return max(path.stat().st_mtime for pattern in patterns for path in ROOT.glob(pattern))


def listed(path, name):
    """The strings of a list in a meson.build."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return re.findall(r"'([\w.]+)'", re.search(name + r"(.*?)[\])]\n", text, re.S).group(1))


class Workshop:
    def __init__(self, directory, jobs):
        self.directory = pathlib.Path(directory)
        self.jobs = jobs
        self.sources = listed("lib/meson.build", r"riposte_sources = files\(")
        self.tests = [name for name in listed("tests/unit/meson.build", r"unit_tests = \[")
                      if name not in ELSEWHERE] + [SIM]
        self.changed = 0  # when something was that programs are made of
        self.users = {}  # by file of lib: the sources that it is part of
        self.seconds = {}
        self.killers = {}  # by file: how often each test has noticed something
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        self.environment = {**os.environ, "RIPOSTE_TEST_SEED": "1"}

    def build(self):
        self.changed = newest("lib/*", "tests/unit/*", "tests/sim/*")
        for part in ("lib", "tests"):
            (self.directory / part).mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(self.jobs) as pool:
            list(pool.map(self.compile, self.sources))
            self.link(self.directory, {})
            list(pool.map(self.compile_test, [f"{h}.c" for h in HARNESS]))
            list(pool.map(self.link_test, self.tests))
            results = list(pool.map(self.baseline, self.tests))
        for name, (passed, seconds) in zip(self.tests, results):
            if not passed:
                raise Broken(f"{name} fails though nothing was changed")
            self.seconds[name] = seconds

    def compile(self, name):
        """By its bare name, so that a mutant's object says nothing of where it lay either."""
        result = command("gcc", *CFLAGS, "-MMD", "-c", name, "-o", self.object(name), cwd=ROOT / "lib")
        if result.returncode:
            raise Broken(result.stderr)
        for each in self.object(name).with_suffix(".d").read_text(encoding="utf-8").split()[1:]:
            self.users.setdefault(pathlib.Path(each).name, []).append(name)

    def compile_test(self, name):
        result = command("gcc", *CFLAGS, "-c", ROOT / "tests" / "unit" / name, "-o",
                         self.directory / "tests" / (name + ".o"))
        if result.returncode:
            raise Broken(result.stderr)

    def object(self, name):
        return self.directory / "lib" / (name + ".o")

    def link(self, directory, instead):
        """The library, with other objects in the place of some."""
        objects = [instead.get(name, self.object(name)) for name in self.sources]
        result = command("gcc", "-shared", "-Wl,-Bsymbolic", "-o", directory / "libriposte.so",
                         *objects)
        if result.returncode:
            raise Broken(result.stderr)

    def link_test(self, name):
        if name == SIM:
            sources = [ROOT / "tests" / "sim" / s
                       for s in listed("tests/sim/meson.build", r"executable\('sim',")]
        else:
            sources = [ROOT / "tests" / "unit" / f"test_{name}.c"]
            sources += [self.directory / "tests" / f"{h}.c.o" for h in HARNESS]
        program = self.directory / "tests" / name
        if program.exists() and program.stat().st_mtime > self.changed:
            return
        result = command("gcc", *CFLAGS, "-o", program, *sources,
                         f"-L{self.directory}", "-lriposte", "-lcmocka", "-lsodium")
        if result.returncode:
            raise Broken(result.stderr)

    def run(self, name, directory, timeout):
        """Does the test pass with the library of that directory?"""
        arguments = ["--runs", "1"] if name == SIM else []
        try:
            result = subprocess.run(
                ["prlimit", f"--as={ADDRESS_SPACE}", self.directory / "tests" / name, *arguments],
                env={**self.environment, "LD_LIBRARY_PATH": str(directory)}, timeout=timeout,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                check=False)
        except subprocess.TimeoutExpired:
            return False
        return result.returncode == 0

    def baseline(self, name):
        start = time.monotonic()
        passed = self.run(name, self.directory, 300)
        return passed, time.monotonic() - start

    def order(self, path):
        """Those first that have noticed most of this file so far for the time they take, and before
        anything is known the quick ones that have its name."""
        kind = path.name.split("_")[0]
        noticed = self.killers.setdefault(path.name, {})
        return sorted(self.tests, key=lambda name: (
            name == SIM, -noticed.get(name, 0) / (self.seconds[name] + .05),
            not name.startswith(kind), self.seconds[name]))

    def judge(self, mutant):
        """"compiler" if it does not compile or is the same program, the test that notices it, or
        None."""
        path = pathlib.Path(mutant.path)
        with tempfile.TemporaryDirectory(dir=self.directory) as scratch:
            scratch = pathlib.Path(scratch)
            # What is included is looked for beside what includes it, and there it is the mutant's.
            for each in (ROOT / "lib").glob("*.[ch]"):
                (scratch / each.name).symlink_to(each)
            (scratch / path.name).unlink()
            (scratch / path.name).write_text(mutant.source, encoding="utf-8")
            instead = {}
            for name in self.users[path.name]:
                changed = scratch / (name + ".o")
                if command("gcc", *CFLAGS, "-c", name, "-o", changed, cwd=scratch).returncode:
                    return "compiler"
                # The optimizer knows many mutants that change nothing.
                if changed.read_bytes() != self.object(name).read_bytes():
                    instead[name] = changed
            if not instead:
                return "compiler"
            self.link(scratch, instead)
            for name in self.order(path):
                if not self.run(name, scratch, 5 + 20 * self.seconds[name]):
                    noticed = self.killers[path.name]
                    noticed[name] = noticed.get(name, 0) + 1
                    return name
        return None
