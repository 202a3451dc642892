# SPDX-License-Identifier: BSD-3-Clause
"""RFC 9293 3.10.7.4 in SYN-RECEIVED. rules.md 6.3. The window is [1, 65536)."""
import pytest

from replay import Case, Replay
from variants import VARIANTS, variant_id

CONF = """
host { owns = { "10.9.0.1", "fd09::1" } connections = 10000 }
listener "hang" { ports = { "80" } script = { "accept", "hang" } backlog = 10000 }
"""
SYN_ACK = "SA seq 0 ack 1 win 65535 <mss {mss}>"
ACK = "A seq 1 ack 1 win 65535"
SYN = ("S seq 0", SYN_ACK)

# What shows where the connection stands afterwards.
WAITING = [("A seq 1 ack 1", None), ("A seq 0 ack 1", ACK)]  # it can still be established
GONE = [("A seq 1 ack 1", "R seq 1 win 0")]                  # a listener knows nothing of it
ESTABLISHED = [("PA seq 1 ack 1 len 5", "A seq 1 ack 6 win 65530")]

CASES = [Case(name, 80, [SYN, *steps, *after]) for name, steps, after in [
    ("step2_rst_at_rcv_nxt_ends_it", [("R seq 1", None)], GONE),
    ("step2_rst_ack_at_rcv_nxt_ends_it_whatever_it_acknowledges", [("RA seq 1 ack 99", None)],
     GONE),
    ("step2_rst_in_window_is_challenged", [("R seq 2", ACK)], WAITING),
    ("step2_rst_at_the_last_number_is_challenged", [("R seq 65535", ACK)], WAITING),
    ("step1_rst_before_the_window_is_silence", [("R seq 0", None)], WAITING),
    ("step1_rst_behind_the_window_is_silence", [("R seq 65536", None)], WAITING),
    ("d7_the_same_syn_draws_the_same_syn_ack", [SYN, SYN], WAITING),
    ("step1_syn_far_away_is_acknowledged", [("S seq 100000", ACK)], WAITING),
    ("step1_syn_ack_at_irs_is_acknowledged", [("SA seq 0 ack 1", ACK)], WAITING),
    ("d8_syn_at_rcv_nxt_ends_it", [("S seq 1", None)], GONE),
    ("d8_syn_in_window_ends_it", [("S seq 500", None)], GONE),
    ("d8_syn_ack_in_window_ends_it", [("SA seq 1 ack 1", None)], GONE),
    ("step1_ack_at_irs_is_acknowledged", [("A seq 0 ack 1", ACK)], WAITING),
    ("step1_ack_behind_the_window", [("A seq 65536 ack 1", ACK)], WAITING),
    ("step1_old_text", [("PA seq 0 ack 1 len 1", ACK)], WAITING),
    ("step1_text_behind_the_window", [("PA seq 65536 ack 1 len 5", ACK)], WAITING),
    ("step1_null_outside", [("- seq 0", ACK)], WAITING),
    ("step1_comes_before_the_ack", [("A seq 70000 ack 77", ACK)], WAITING),
    ("step5_null_is_silence", [("- seq 1", None)], WAITING),
    ("step5_fin_without_ack_is_silence", [("F seq 1", None)], WAITING),
    ("step5_text_without_ack_is_silence", [("P seq 1 len 5", None)], WAITING),
    ("step5_ack_establishes", [("A seq 1 ack 1", None)], ESTABLISHED),
    ("step5_ack_with_text", [("PA seq 1 ack 1 len 5", "A seq 1 ack 6 win 65530")],
     [("PA seq 6 ack 1 len 10", "A seq 1 ack 16 win 65520")]),
    ("step5_ack_with_fin", [("FA seq 1 ack 1", "A seq 1 ack 2 win 65535")],
     [("FA seq 1 ack 1", "A seq 1 ack 2 win 65535")]),
    # 3.8.6.2.2: the right edge does not move for the byte that the FIN takes.
    ("step5_ack_with_text_and_fin", [("FPA seq 1 ack 1 len 5", "A seq 1 ack 7 win 65529")],
     [("FPA seq 1 ack 1 len 5", "A seq 1 ack 7 win 65529")]),
    ("d9_ack_of_the_iss_draws_rst", [("A seq 1 ack 0", "R seq iss win 0")], WAITING),
    ("d9_ack_of_what_was_not_sent_draws_rst", [("A seq 1 ack 2", "R seq 2 win 0")], WAITING),
    ("d9_text_with_a_bad_ack_draws_rst", [("PA seq 1 ack 100000 len 5", "R seq 100000 win 0")],
     WAITING),
    ("d9_fin_with_a_bad_ack_draws_rst", [("FA seq 1 ack -5", "R seq -5 win 0")], WAITING),
]]


@pytest.fixture(scope="module", params=VARIANTS, ids=variant_id)
def replay(request, directory):
    variant = request.param
    return Replay(CASES, variant.path, CONF, directory / variant.name, variant.isn).play()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_rfc9293_3_10_7_4_syn_received(replay, case):
    replay.check(case)


def test_connections_are_counted(replay):
    """Every case opened one, and those in the end established say so."""
    assert replay.counters["opened"] == len(CASES)
    ended = sum(1 for case in CASES if case.steps[-1] == GONE[0])
    assert replay.counters["established"] == len(CASES) - ended
