# SPDX-License-Identifier: BSD-3-Clause
"""RFC 9293 3.10.7.4 in the synchronized states: rules.md 6.4, row by row, for every state."""
import dataclasses

import pytest

from replay import Case, Replay
from variants import VARIANTS, variant_id

CONF = """
host { owns = { "10.9.0.1", "fd09::1" } connections = 10000 challenge_acks = 0 }
listener "hang" { ports = { "80" } script = { "accept", "hang" } backlog = 10000 }
listener "shutdown" { ports = { "81" } script = { "accept", "shutdown", "hang" } backlog = 10000 }
listener "close" { ports = { "82" } script = { "accept", "read all", "close" } backlog = 10000 }
"""
SYN = ("S seq 0", "SA seq 0 ack 1 win 65535 <mss {mss}>")
AGAIN = "SA seq * ack {} win 65535 <mss {{mss}}>"  # a new connection out of TIME-WAIT


@dataclasses.dataclass(frozen=True)
class State:
    """How to get there, and the numbers there: n RCV.NXT, m SND.NXT, una SND.UNA. The window is
    65535 everywhere. reads: text is still taken."""
    name: str
    service: int
    prelude: list
    n: int
    m: int
    una: int
    reads: bool

    @property
    def ack(self):
        return f"A seq {self.m} ack {self.n} win 65535"

    @property
    def alive(self):
        """A keepalive probe: row 5."""
        return (f"A seq {self.n - 1} ack {self.m}", self.ack)

    @property
    def gone(self):
        return (f"A seq {self.n} ack {self.m}", f"R seq {self.m} win 0")


ACK_AND_FIN = [SYN, ("A seq 1 ack 1", "FA seq 1 ack 1 win 65535")]
STATES = [
    State("established", 80, [SYN, ("A seq 1 ack 1", None)], 1, 1, 1, True),
    State("close_wait", 80, [SYN, ("A seq 1 ack 1", None),
                             ("FA seq 1 ack 1", "A seq 1 ack 2 win 65535")], 2, 1, 1, False),
    State("fin_wait_1", 81, ACK_AND_FIN, 1, 2, 1, True),
    State("fin_wait_2", 81, [*ACK_AND_FIN, ("A seq 1 ack 2", None)], 1, 2, 2, True),
    State("closing", 81, [*ACK_AND_FIN, ("FA seq 1 ack 1", "A seq 2 ack 2 win 65535")],
          2, 2, 1, False),
    State("last_ack", 82, [SYN, ("A seq 1 ack 1", None),
                           ("FA seq 1 ack 1", "FA seq 1 ack 2 win 65535")], 2, 2, 1, False),
    State("time_wait", 81, [*ACK_AND_FIN, ("A seq 1 ack 2", None),
                            ("FA seq 1 ack 2", "A seq 2 ack 2 win 65535")], 2, 2, 2, False),
]


def rows(s):
    """(name, what is sent, what is answered, whether the connection is still there)."""
    n, m = s.n, s.m
    yield "row1_rst_at_rcv_nxt", f"R seq {n}", None, False
    yield "row1_rst_ack_at_rcv_nxt", f"RA seq {n} ack 77", None, False
    yield "row1_rst_with_text", f"R seq {n} len 10", None, False
    yield "row2_rst_next_to_rcv_nxt", f"R seq {n + 1}", s.ack, True
    yield "row2_rst_at_the_last_number", f"R seq {n + 65534}", s.ack, True
    yield "row3_rst_before_the_window", f"R seq {n - 1}", None, True
    yield "row3_rst_behind_the_window", f"R seq {n + 65535}", None, True
    if s.name != "time_wait":
        yield "row4_syn_at_rcv_nxt", f"S seq {n}", s.ack, True
        yield "row4_syn_behind_the_window", f"S seq {n + 70000}", s.ack, True
    yield "row4_the_old_syn", "S seq 0", s.ack, True
    yield "row4_syn_ack", f"SA seq {n} ack {m}", s.ack, True
    yield "row4_syn_fin", f"SF seq {n - 1}", s.ack, True
    yield "row4_syn_with_text", f"SPA seq {n} ack {m} len 10", s.ack, True
    yield "row5_keepalive_probe", f"A seq {n - 1} ack {m}", s.ack, True
    yield "row5_keepalive_with_a_byte", f"A seq {n - 1} ack {m} len 1", s.ack, True
    yield "row5_old_fin", f"FA seq {n - 1} ack {m}", s.ack, True
    yield "row5_behind_the_window", f"A seq {n + 65535} ack {m}", s.ack, True
    yield "row5_text_behind_the_window", f"PA seq {n + 65535} ack {m} len 5", s.ack, True
    yield "row5_before_the_ack_is_looked_at", f"A seq {n - 1} ack {m + 1000}", s.ack, True
    yield "row6_null", f"- seq {n}", None, True
    yield "row6_fin_without_ack", f"F seq {n}", None, True
    yield "row6_text_without_ack", f"P seq {n} len 5", None, True
    yield "row6_xmas", f"FPU seq {n} len 5", None, True
    yield "row7_ack_of_what_was_not_sent", f"A seq {n} ack {m + 1}", s.ack, True
    yield "row7_its_text_is_not_taken", f"PA seq {n} ack {m + 1} len 5", s.ack, True
    yield "row7_nor_its_fin", f"FA seq {n} ack {m + 1000000}", s.ack, True
    yield "row8_ack_too_old", f"A seq {n} ack {s.una - 65536}", s.ack, True
    yield "row8_its_text_is_not_taken", f"PA seq {n} ack {s.una - 65536} len 5", s.ack, True
    yield "row9_ack_as_old_as_may_be", f"A seq {n} ack {s.una - 65535}", None, True
    yield "row9_ack", f"A seq {n} ack {s.una}", None, True
    yield from rows_of_text(s)


def rows_of_text(s):
    n, m, una = s.n, s.m, s.una

    def taken(new):
        return f"A seq {m} ack {n + new} win {65535 - new}" if s.reads else None

    yield "row10_text", f"PA seq {n} ack {una} len 5", taken(5), None
    yield "row10_text_partly_old", f"PA seq {n - 2} ack {una} len 5", taken(3), None
    yield "row10_text_with_old_ack", f"PA seq {n} ack {una - 65535} len 5", taken(5), None
    yield "row11_text_out_of_order", f"PA seq {n + 3} ack {una} len 5", taken(0), True
    yield "row12_fin", f"FA seq {n} ack {una}", (
        f"A seq {m} ack {n + 1} win 65535" if s.reads else None), None
    # RFC 9293 3.8.6.2.2: with text unread the right edge does not move for one byte, the FIN's.
    yield "row12_fin_with_text", f"FPA seq {n} ack {una} len 5", (
        f"A seq {m} ack {n + 6} win 65529" if s.reads else None), None
    yield "row13_fin_out_of_order", f"FA seq {n + 1} ack {una}", taken(0), True
    yield "row14_urg", f"PUA seq {n} ack {una} len 5 urg 5", taken(5), None


def cases_of(state):
    for name, sent, expected, alive in rows(state):
        after = {True: [state.alive], False: [state.gone], None: []}[alive]
        yield Case(f"{state.name}-{name}", state.service,
                   [*state.prelude, (sent, expected), *after])


CASES = [case for state in STATES for case in cases_of(state)]

# Where a row leads, seen by what the next step answers.
EST, CW, FW1, FW2, CG, LA, TW = STATES
CASES += [Case(f"{s.name}-{name}", s.service, [*s.prelude, *steps]) for s, name, steps in [
    (FW1, "row9_its_fin_acknowledged_is_fin_wait_2",
     [("A seq 1 ack 2", None), ("FA seq 1 ack 2", "A seq 2 ack 2 win 65535"),
      ("A seq 1 ack 2", "A seq 2 ack 2 win 65535")]),
    (FW1, "row12_fin_that_acknowledges_ours_is_time_wait",
     [("FA seq 1 ack 2", "A seq 2 ack 2 win 65535"), ("S seq 2", AGAIN.format(3))]),
    (FW1, "row10_text_that_acknowledges_our_fin",
     [("PA seq 1 ack 2 len 5", "A seq 2 ack 6 win 65530"),
      ("FA seq 6 ack 2", "A seq 2 ack 7 win 65529"), ("S seq 7", AGAIN.format(8))]),
    (CG, "row9_fin_acknowledged_is_time_wait",
     [("A seq 2 ack 2", None), ("S seq 2", AGAIN.format(3))]),
    (LA, "row9_fin_acknowledged_is_closed", [("A seq 2 ack 2", None), LA.gone]),
    (LA, "row10_text_that_acknowledges_the_fin",
     [("PA seq 2 ack 2 len 5", None), LA.gone]),
    (CW, "row5_fin_again", [("FA seq 1 ack 1", CW.ack), ("FA seq 1 ack 1", CW.ack)]),
    (EST, "row10_text_and_more", [("PA seq 1 ack 1 len 1460", "A seq 1 ack 1461 win 64075"),
                                  ("PA seq 1461 ack 1 len 1460", "A seq 1 ack 2921 win 62615"),
                                  ("PA seq 1 ack 1 len 1460", "A seq 1 ack 2921 win 62615")]),
    (EST, "row11_the_gap_filled",
     [("PA seq 6 ack 1 len 5", "A seq 1 ack 1 win 65535"),
      ("PA seq 1 ack 1 len 5", "A seq 1 ack 6 win 65530"),
      ("PA seq 6 ack 1 len 5", "A seq 1 ack 11 win 65525")]),
    # 6.5: TIME-WAIT, a SYN without timestamps.
    (TW, "6_5_syn_above_the_last_number_opens", [("S seq 2", AGAIN.format(3))]),
    (TW, "6_5_syn_far_above_opens",
     [("S seq 1000000", AGAIN.format(1000001))]),
    (TW, "6_5_syn_at_the_fin_is_challenged", [("S seq 1", TW.ack)]),
    (TW, "6_5_old_syn_is_challenged", [("S seq -1000", TW.ack)]),
    (TW, "6_5_syn_ack_is_challenged", [("SA seq 100 ack 2", TW.ack)]),
    (TW, "6_5_syn_fin_is_challenged", [("SF seq 100", TW.ack)]),
    (TW, "d17_ack_is_silence", [("A seq 2 ack 2", None), ("A seq 2 ack 2", None), TW.alive]),
]]


@pytest.fixture(scope="module", params=VARIANTS, ids=variant_id)
def replay(request, directory):
    variant = request.param
    return Replay(CASES, variant.path, CONF, directory / variant.name, variant.isn).play()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_rfc9293_3_10_7_4(replay, case):
    replay.check(case)


def test_rfc6191_2_the_new_iss_is_above_the_old_numbers(replay):
    """Every SYN-ACK out of TIME-WAIT; numbers here are relative to the old ISS."""
    again = [text for case in CASES for text in replay.came[case.name][-1]
             if case.name.startswith("time_wait-6_5") and text.startswith("SA")]
    assert len(again) == 2
    for text in again:
        assert int(text.split()[2]) > 2, text
