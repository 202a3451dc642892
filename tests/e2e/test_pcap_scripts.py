# SPDX-License-Identifier: BSD-3-Clause
"""What a script's calls put on the wire: rules.md 9, 6.6 and the windows; backlog, first and
chance."""
import pytest

from replay import Case, Path, Replay
from variants import VARIANTS, variant_id

HOST = """
host { owns = { "10.9.0.1", "fd09::1" } connections = 10000 }
"""
CONF = HOST + "".join(f"""
listener "{name}" {{ ports = {{ "{port}" }} script = {script} backlog = 10000 {more} }}
""" for name, port, script, more in [
    ("close", 80, '{ "accept", "close" }', ""),
    ("exit", 81, '{ "accept" }', ""),
    ("linger", 82, '{ "accept", "linger 0", "close" }', ""),
    ("read5", 83, '{ "accept", "read 5", "close" }', ""),
    ("read", 84, '{ "accept", "read", "close" }', ""),
    ("readall", 85, '{ "accept", "read all", "close" }', ""),
    ("halfclose", 86, '{ "accept", "shutdown", "read all", "close" }', ""),
    ("tiny", 87, '{ "accept", "hang" }', "receive_buffer = 10"),
    ("reader", 88, '{ "accept", "read 10", "hang" }', "receive_buffer = 10"),
    ("scaled", 89, '{ "accept", "hang" }', "receive_buffer = 1048576"),
    ("tworeads", 90, '{ "accept", "read 5", "read 5", "close" }', ""),
    ("lingerlate", 91, '{ "accept", "linger 0", "read all", "close" }', ""),
])
SYN = ("S seq 0", "SA seq 0 ack 1 win 65535 <mss {mss}>")
SYN10 = ("S seq 0", "SA seq 0 ack 1 win 10 <mss {mss}>")
UP = ("A seq 1 ack 1", None)
FIN = ("A seq 1 ack 1", "FA seq 1 ack 1 win 65535")
RST = "RA seq 1 ack {} win *"


def acked_and_reset(ack):
    """design.md, failure 3: the text is acknowledged, then the application closes."""
    return [f"A seq 1 ack {ack} win *", RST.format(ack)]


CLOSE = [
    ("close_after_accept_is_fin", 80, [SYN, FIN]),
    ("exit_closes", 81, [SYN, FIN]),
    ("linger_close_is_rst", 82, [SYN, ("A seq 1 ack 1", RST.format(1)),
                                 ("A seq 1 ack 1", "R seq 1 win 0")]),
    ("fin_waits_for_the_read", 83, [SYN, UP, ("PA seq 1 ack 1 len 3", "A seq 1 ack 4 win *"),
                                    ("PA seq 4 ack 1 len 2", "FA seq 1 ack 6 win 65535")]),
    ("read_takes_whatever_comes", 84, [SYN, UP,
                                       ("PA seq 1 ack 1 len 1", "FA seq 1 ack 2 win 65535")]),
    ("read_cut_short_by_fin", 83, [SYN, UP, ("FPA seq 1 ack 1 len 2", "FA seq 1 ack 4 win *")]),
    ("read_all_until_fin", 85, [SYN, UP, ("PA seq 1 ack 1 len 700", "A seq 1 ack 701 win 65535"),
                                ("FA seq 701 ack 1", "FA seq 1 ack 702 win 65535"),
                                ("A seq 702 ack 2", None), ("A seq 702 ack 2", "R seq 2 win 0")]),
    ("two_reads", 90, [SYN, UP, ("PA seq 1 ack 1 len 5", "A seq 1 ack 6 win 65535"),
                       ("PA seq 6 ack 1 len 5", "FA seq 1 ack 11 win 65535")]),
    ("text_on_the_handshakes_ack", 83,
     [SYN, ("PA seq 1 ack 1 len 5", "FA seq 1 ack 6 win 65535")]),
    ("unread_text_is_rst", 83, [SYN, UP, ("PA seq 1 ack 1 len 10", acked_and_reset(11)),
                                ("A seq 11 ack 1", "R seq 1 win 0")]),
    ("a_fin_is_not_unread_text", 83,
     [SYN, UP, ("FPA seq 1 ack 1 len 5", "FA seq 1 ack 7 win *")]),
    ("unread_text_and_fin_is_rst", 83, [SYN, UP,
                                         ("FPA seq 1 ack 1 len 6", acked_and_reset(8))]),
    ("linger_after_everything_read_is_rst", 91,
     [SYN, UP, ("FA seq 1 ack 1", acked_and_reset(2))]),
    ("half_close_reads_on", 86,
     [SYN, FIN, ("A seq 1 ack 2", None), ("PA seq 1 ack 2 len 100", "A seq 2 ack 101 win 65535"),
      ("FA seq 101 ack 2", "A seq 2 ack 102 win 65535"), ("A seq 102 ack 2", None)]),
    ("both_close_at_once", 80,
     [SYN, FIN, ("FA seq 1 ack 1", "A seq 2 ack 2 win 65535"), ("A seq 2 ack 2", None),
      ("A seq 1 ack 2", "A seq 2 ack 2 win 65535")]),
    ("rst_is_never_answered", 80, [SYN, FIN, ("R seq 1", None), ("R seq 1", None)]),
]

# 6.6: closed both ways, nobody reads.
ORPHAN = [
    ("text_before_the_fin_is_acknowledged", 80,
     [SYN, FIN, ("PA seq 1 ack 1 len 5", "R seq 1 win 0"), ("A seq 6 ack 2", "R seq 2 win 0")]),
    ("text_after_the_fin_is_acknowledged", 80,
     [SYN, FIN, ("A seq 1 ack 2", None), ("PA seq 1 ack 2 len 5", "R seq 2 win 0"),
      ("PA seq 1 ack 2 len 5", "R seq 2 win 0")]),
    ("fin", 80, [SYN, FIN, ("A seq 1 ack 2", None), ("FA seq 1 ack 2", "A seq 2 ack 2 win 65535")]),
    ("fin_with_text", 80, [SYN, FIN, ("A seq 1 ack 2", None),
                           ("FPA seq 1 ack 2 len 5", "R seq 2 win 0")]),
    ("fin_out_of_order", 80, [SYN, FIN, ("A seq 1 ack 2", None),
                              ("FA seq 9 ack 2", "A seq 2 ack 1 win 65535"),
                              ("FA seq 1 ack 2", "A seq 2 ack 2 win 65535")]),
    ("old_text_again", 83, [SYN, UP, ("PA seq 1 ack 1 len 5", "FA seq 1 ack 6 win 65535"),
                            ("PA seq 1 ack 1 len 5", "A seq 2 ack 6 win 65535")]),
]

WINDOW = [
    ("full", 87, [SYN10, UP, ("PA seq 1 ack 1 len 10", "A seq 1 ack 11 win 0"),
                  ("A seq 11 ack 1", None),
                  ("PA seq 11 ack 1 len 1", "A seq 1 ack 11 win 0"),
                  ("A seq 10 ack 1", "A seq 1 ack 11 win 0"),
                  ("A seq 12 ack 1", "A seq 1 ack 11 win 0"),
                  ("FA seq 11 ack 1", "A seq 1 ack 11 win 0"),
                  ("R seq 12", None), ("R seq 11", None), ("A seq 11 ack 1", "R seq 1 win 0")]),
    ("shrinks_by_what_is_unread", 87,
     [SYN10, UP, ("PA seq 1 ack 1 len 3", "A seq 1 ack 4 win 7"),
      ("PA seq 4 ack 1 len 3", "A seq 1 ack 7 win 4")]),
    ("overrun_is_cut", 87, [SYN10, UP, ("PA seq 1 ack 1 len 15", "A seq 1 ack 11 win 0")]),
    ("overrun_and_fin_are_cut", 87, [SYN10, UP, ("FPA seq 1 ack 1 len 10", "A seq 1 ack 11 win 0"),
                                     ("FA seq 11 ack 1", "A seq 1 ack 11 win 0")]),
    ("scaled_if_the_syn_scales", 89,
     [("S seq 0 <wscale 3>", "SA seq 0 ack 1 win 65535 <mss {mss},wscale 5>"), UP,
      ("PA seq 1 ack 1 len 32", "A seq 1 ack 33 win 32767"),
      ("PA seq 33 ack 1 len 32", "A seq 1 ack 65 win 32766")]),
    ("not_scaled_if_it_does_not", 89,
     [SYN, UP, ("PA seq 1 ack 1 len 32", "A seq 1 ack 33 win 65535")]),
]
GROUPS = {"rfc9293_3_10_4_close": CLOSE, "rfc9293_3_6_1_orphan": ORPHAN,
          "rfc9293_3_8_6_window": WINDOW}
CASES = [Case(f"{group}-{name}", port, steps)
         for group, rows in GROUPS.items() for name, port, steps in rows]


@pytest.fixture(scope="module", params=VARIANTS, ids=variant_id)
def replay(request, directory):
    variant = request.param
    return Replay(CASES, variant.path, CONF, directory / variant.name, variant.isn).play()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_script(replay, case):
    replay.check(case)


def clients(count, steps):
    return [Case(f"client{i}", 80, steps) for i in range(count)]


def established(replay):
    """Which clients' text was acknowledged in the last step."""
    return [bool(came[-1]) for came in replay.came.values()]


@pytest.mark.parametrize("family", (4, 6))
def test_d24_backlog_is_exact(family, directory):
    """Eight clients have their SYN-ACK, five find room in the queue; the others' final ACKs and
    text are ignored, and so are SYNs that come later."""
    conf = HOST + 'listener "never" { ports = { "80" } script = {} backlog = 5 }'
    text = ("PA seq 1 ack 1 len 5", "A seq 1 ack 6 win 65530")
    cases = clients(8, [SYN, UP, text])
    late = [Case(f"late{i}", 80, [(None, None), (None, None), ("S seq 0", None)], opening="")
            for i in range(4)]
    replay = Replay(cases + late, Path(family), conf, directory / f"backlog{family}").play()
    assert established(replay) == [True] * 5 + [False] * 3 + [False] * 4
    assert replay.counters["established"] == 5
    assert replay.counters.dropped == {"tcp_backlog_full": 3 + 3 + 4}


def test_first_takes_the_first_connections(directory):
    conf = HOST + """
listener "bad" { ports = { "80" } script = { "accept", "linger 0", "close" } first = 3 }
listener "good" { ports = { "80" } script = { "accept", "hang" } }
"""
    replay = Replay(clients(10, [SYN, UP, ("PA seq 1 ack 1 len 5", "*")]), Path(4), conf,
                    directory / "first").play()
    assert replay.counters.rst["linger"] == 3
    assert [came[1] == [] for came in replay.came.values()] == [False] * 3 + [True] * 7


def test_chance_takes_its_share(directory):
    """Half of 2,000, give or take more than six standard deviations."""
    conf = HOST + """
listener "bad" { ports = { "80" } script = { "accept", "linger 0", "close" } chance = 0.5
	backlog = 5000 }
listener "good" { ports = { "80" } script = { "accept", "hang" } backlog = 5000 }
"""
    replay = Replay(clients(2000, [SYN, UP]), Path(4), conf, directory / "chance").play()
    assert 850 <= replay.counters.rst["linger"] <= 1150
    assert replay.counters["established"] == 2000


def test_the_rest_falls_to_nobody(directory):
    """A listener with a chance and no other behind it: the others find the port closed."""
    conf = HOST + """
listener "half" { ports = { "80" } script = { "accept", "hang" } chance = 0.5 backlog = 5000 }
"""
    cases = [Case(f"client{i}", 80, [("S seq 0", None)], opening="") for i in range(1000)]
    replay = Replay(cases, Path(4), conf, directory / "nobody").play()
    assert replay.counters["opened"] + replay.counters.rst["no_listener"] == 1000
    assert 400 <= replay.counters["opened"] <= 600


def test_listener_on_some_of_the_addresses(directory):
    conf = """
host { owns = { "10.9.0.1", "10.9.7.0/24" } connections = 1000 }
listener "some" { ports = { "80" } on = { "10.9.7.0/25" } script = { "accept", "hang" } }
"""
    for target, answer in [("10.9.7.0", "SA"), ("10.9.7.127", "SA"), ("10.9.7.128", "RA"),
                           ("10.9.7.255", "RA"), ("10.9.0.1", "RA")]:
        case = Case("client", 80, [("S seq 0", None)], opening="")
        replay = Replay([case], Path(4, target=target), conf, directory / target).play()
        assert replay.came["client"][0][0].split()[0] == answer, target
