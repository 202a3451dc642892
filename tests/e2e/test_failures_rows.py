# SPDX-License-Identifier: BSD-3-Clause
"""The table of failures in design.md, each row as scripts/run demo plays it (scripts/demo/rows.py):
what is on the wire, and what the client's program sees. IPv4 and IPv6, without and with VLANs."""
import sys

import pytest

from lab import CABLES, SERVER
from responder import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
# pylint: disable=wrong-import-position
from demo.place import SCENARIOS, Place  # noqa: E402
from demo.play import FAMILIES, play  # noqa: E402
from demo.rows import ROWS  # noqa: E402

DARK = 'host { owns = { "10.9.0.1", "fd09::1" } closed = drop connections = 1000 }\n'


@pytest.fixture(scope="module", params=CABLES)
def outcomes(request, make_lab):
    """All rows, played: what each test looks at."""
    labs = {"good": make_lab(SCENARIOS.read_text("utf-8"), tags=CABLES[request.param]),
            "dark": make_lab(DARK, tags=CABLES[request.param])}
    places = {host: Place("c0", SERVER, lab.prefix, lab.client.inside)
              for host, lab in labs.items()}
    return {(outcome.row.name, outcome.family): outcome for outcome in play(ROWS, places)}


@pytest.mark.parametrize("family", FAMILIES, ids="ip{}".format)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.slug)
def test_row(outcomes, row, family):
    outcome = outcomes[row.name, family]
    assert outcome.failure is None
    assert outcome.wire_differs is None, outcome.lines
    assert outcome.calls_differ is None, outcome.calls
