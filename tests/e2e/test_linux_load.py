# SPDX-License-Identifier: BSD-3-Clause
"""No loss: many connections one after another and at once, and every one of them accounted for.
That the counters balance and no buffer is lost is asked of every test in responder.py."""
import pytest

from responder import BUILD

STORM = BUILD / "tests" / "e2e" / "storm"
CONF = """
host { owns = { "10.9.1.0/24", "10.9.0.1", "fd09:0:0:1::/64" } connections = 300000 }
listener "close" { ports = { "80" } script = { "accept", "close" } backlog = 20000 }
listener "polite" { ports = { "81" } script = { "accept", "read all", "close" } backlog = 20000 }
"""
FIRST = {4: "10.9.1.16", 6: "fd09:0:0:1::10"}


def storm(lab, how, family, port, count, spread):
    said = lab.run(str(STORM), how, FIRST[family], str(port), str(count), str(spread), timeout=600)
    assert f"{count} of {count} connections ended well" in said


def check(lab, connections):
    """riposte's side of the story. A SYN that a full ring lost comes again and counts once."""
    again = retransmitted(lab)
    counters = lab.riposte.stop()
    assert counters["established"] == counters["opened"] == connections
    assert counters["closed"] <= connections
    assert not counters["cookies_sent"]
    # Nothing of these connections is dropped.
    assert not {name for name in counters.dropped if name.startswith("tcp_")}, counters
    # What either side sent once too often, or the answer to it, may come when all is over.
    assert set(counters.rst) <= {"no_connection"}
    assert counters.rst.get("no_connection", 0) <= again + counters["fin_retransmitted"]


def retransmitted(lab):
    """Segments that the client's kernel has sent again."""
    with lab.client.inside(), open("/proc/thread-self/net/snmp", encoding="ascii") as file:
        names, values = [line.split() for line in file if line.startswith("Tcp:")]
    return int(dict(zip(names, values))["RetransSegs"])


@pytest.mark.parametrize("family, count", [(4, 150000), (6, 50000)])
def test_200000_connections_one_after_another(make_lab, family, count):
    """Four addresses in turns, so that the client's ports come round and meet TIME-WAIT."""
    lab = make_lab(CONF)
    storm(lab, "one", family, 80, count, 4)
    check(lab, count)


@pytest.mark.parametrize("family", (4, 6))
def test_10000_connections_at_once(make_lab, family):
    lab = make_lab(CONF, device=",framecnt=4096")
    storm(lab, "all", family, 81, 10000, 2)
    check(lab, 10000)
