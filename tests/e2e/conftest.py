# SPDX-License-Identifier: BSD-3-Clause
"""What all end-to-end tests share. The modules beside it are the tools."""
import logging
import os
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
logging.getLogger("scapy.runtime").setLevel(logging.ERROR)  # it looks for the host's addresses

from lab import Lab  # noqa: E402
from netns import PREFIX, Netns  # noqa: E402
from reports import Reports  # noqa: E402


@pytest.fixture(scope="session", name="reports", autouse=True)
def sanitizers_reports(tmp_path_factory):
    """Of whatever is started from here on."""
    reports = Reports(tmp_path_factory.mktemp("reports"))
    reports.ask_for()
    return reports


def _none(reports):
    said = reports.take()
    assert not said, said


@pytest.fixture(scope="module", autouse=True)
def no_report_at_the_end(reports):
    """Of what a module starts and ends for all of its tests: leaks are reported at the end."""
    yield
    _none(reports)


@pytest.fixture(autouse=True)
def no_report(reports):
    """A test fails of what is reported while it runs."""
    yield
    _none(reports)


@pytest.fixture(scope="module")
def directory(tmp_path_factory, request):
    """A directory for the module."""
    return tmp_path_factory.mktemp(request.module.__name__)


@pytest.fixture(scope="module", name="netns")
def empty_netns():
    """A namespace for the module, without interfaces of ours."""
    made = Netns("e")
    yield made
    made.close()


@pytest.fixture(scope="session", autouse=True)
def nothing_left_behind():
    """No namespace of ours outlives the tests; with the namespaces go their interfaces."""
    yield
    listed = subprocess.run(["ip", "netns", "list"], stdout=subprocess.PIPE, text=True, check=True)
    left = [line for line in listed.stdout.splitlines() if line.startswith(PREFIX)]
    assert not left, left


@pytest.fixture(scope="module")
def make_lab(directory):
    """make_lab(conf, ...) is a laboratory with riposte in it. When the module is done riposte is
    stopped, which has to end well and with counters that balance."""
    labs = []

    def make(conf, options=(), device="", tags=(), rough=()):
        lab = Lab(tags, rough)
        labs.append(lab)
        lab.start(conf, directory / f"lab{len(labs)}", options, device)
        return lab

    yield make
    try:
        for lab in labs:
            if not lab.riposte.stopped:
                lab.riposte.stop()
    finally:
        for lab in labs:
            lab.close()
