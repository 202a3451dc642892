# SPDX-License-Identifier: BSD-3-Clause
"""RFC 7323: timestamps and PAWS. rules.md 8 and 6.5. In what the client sends, "ts 101 *" echoes
the TSval of the SYN-ACK; TS.Recent is 100 after the SYN."""
import pytest

from replay import Case, Replay
from variants import VARIANTS, variant_id

CONF = """
host { owns = { "10.9.0.1", "fd09::1" } connections = 10000 }
listener "hang" { ports = { "80" } script = { "accept", "hang" } backlog = 10000 }
listener "shutdown" { ports = { "81" } script = { "accept", "shutdown", "hang" } backlog = 10000 }
listener "linger" { ports = { "82" } script = { "accept", "linger 0", "close" } backlog = 10000 }
"""
SYN_ACK = "SA seq 0 ack 1 win 65535 <mss {{mss}},ts * {}>"
SYN = ("S seq 0 <ts 100 0>", SYN_ACK.format(100))
UP = ("A seq 1 ack 1 <ts 101 *>", None)
PROBE = "A seq 0 ack 1 <ts {} *>"
ACK = "A seq 1 ack 1 win 65535 <ts * {}>"
TIME_WAIT = [SYN, ("A seq 1 ack 1 <ts 101 *>", "FA seq 1 ack 1 win 65535 <ts * 101>"),
             ("FA seq 1 ack 2 <ts 102 *>", "A seq 2 ack 2 win 65535 <ts * 102>")]
TW_ACK = "A seq 2 ack 2 win 65535 <ts * 102>"

CASES = [Case(name, service, steps) for name, service, steps in [
    ("3_2_every_ack_echoes_ts_recent", 80,
     [SYN, UP, ("PA seq 1 ack 1 len 5 <ts 120 *>", "A seq 1 ack 6 win 65530 <ts * 120>")]),
    ("3_2_the_rst_of_an_abort_has_one", 82, [SYN, ("A seq 1 ack 1 <ts 101 *>",
                                                   "RA seq 1 ack 1 win * <ts * 101>")]),
    ("3_2_a_rst_for_no_connection_has_none", 80, [SYN, UP, ("R seq 1 <ts 102 *>", None),
                                                  ("A seq 1 ack 1 <ts 103 *>", "R seq 1 win 0")]),
    ("4_3_a_keepalive_probe_does_not_update_ts_recent", 80,
     [SYN, UP, (PROBE.format(150), ACK.format(101)), (PROBE.format(160), ACK.format(101))]),
    ("4_3_an_ack_at_rcv_nxt_updates_ts_recent", 80,
     [SYN, UP, ("A seq 1 ack 1 <ts 150 *>", None), (PROBE.format(160), ACK.format(150))]),
    ("4_3_a_segment_with_a_bad_ack_does_not_update_ts_recent", 80,
     [SYN, UP, ("A seq 1 ack 2 <ts 150 *>", ACK.format(101)),
      (PROBE.format(160), ACK.format(101))]),
    ("4_3_text_out_of_order_does_not_update_ts_recent", 80,
     [SYN, UP, ("PA seq 9 ack 1 len 5 <ts 150 *>", ACK.format(101))]),
    ("5_3_r1_old_text_is_acknowledged_and_dropped", 80,
     [SYN, UP, ("PA seq 1 ack 1 len 5 <ts 100 *>", ACK.format(101)),
      ("PA seq 1 ack 1 len 5 <ts 101 *>", "A seq 1 ack 6 win 65530 <ts * 101>")]),
    ("5_3_r1_comes_before_the_sequence_check", 80,
     [SYN, UP, ("PA seq 99999 ack 7 len 5 <ts 4 *>", ACK.format(101))]),
    ("5_3_r1_of_a_pure_ack", 80, [SYN, UP, ("A seq 1 ack 1 <ts 100 *>", ACK.format(101))]),
    ("5_3_r1_of_a_fin", 80, [SYN, UP, ("FA seq 1 ack 1 <ts 100 *>", ACK.format(101)),
                             (PROBE.format(101), ACK.format(101))]),
    ("5_3_r1_of_a_syn", 80, [SYN, UP, ("S seq 1000 <ts 99 0>", ACK.format(101))]),
    ("5_3_half_the_circle_behind_is_old", 80,
     [SYN, UP, ("A seq 1 ack 1 <ts 2147483750 *>", ACK.format(101))]),
    ("5_3_half_the_circle_ahead_is_new", 80,
     [SYN, UP, ("A seq 1 ack 1 <ts 2147483748 *>", None)]),
    ("5_2_a_rst_is_not_checked", 80, [SYN, UP, ("R seq 1 <ts 5 0>", None),
                                      ("A seq 1 ack 1 <ts 102 *>", "R seq 1 win 0")]),
    ("5_2_a_rst_without_timestamp_is_valid", 80,
     [SYN, UP, ("R seq 1", None), ("A seq 1 ack 1 <ts 102 *>", "R seq 1 win 0")]),
    ("3_2_d19_missing_is_silence", 80,
     [SYN, UP, ("PA seq 1 ack 1 len 5", None), ("A seq 0 ack 1", None),
      ("PA seq 1 ack 1 len 5 <ts 102 *>", "A seq 1 ack 6 win 65530 <ts * 102>")]),
    ("3_2_not_negotiated_is_ignored", 80,
     [("S seq 0", "SA seq 0 ack 1 win 65535 <mss {mss}>"), ("A seq 1 ack 1 <ts 9 9>", None),
      ("PA seq 1 ack 1 len 5 <ts 5 5>", "A seq 1 ack 6 win 65530")]),
    ("5_3_in_the_handshake", 80, [SYN, ("A seq 1 ack 1 <ts 99 *>", ACK.format(100)),
                                  UP, (PROBE.format(101), ACK.format(101))]),
    ("6191_newer_timestamp_opens", 81,
     [*TIME_WAIT, ("S seq -5000 <ts 103 0>", "SA seq * ack -4999 win 65535 <mss {mss},ts * 103>")]),
    ("6191_same_timestamp_and_greater_number_opens", 81,
     [*TIME_WAIT, ("S seq 2 <ts 102 0>", "SA seq * ack 3 win 65535 <mss {mss},ts * 102>")]),
    ("6191_same_timestamp_and_number_of_the_fin_is_challenged", 81,
     [*TIME_WAIT, ("S seq 1 <ts 102 0>", TW_ACK)]),
    ("6191_older_timestamp_is_acknowledged", 81, [*TIME_WAIT, ("S seq 9 <ts 101 0>", TW_ACK)]),
]] + [Case(f"ts_recent_wraps_{name}", 80, steps) for name, steps in [
    ("forward", [("S seq 0 <ts 4294967295 0>", SYN_ACK.format(4294967295)),
                 ("A seq 1 ack 1 <ts 0 *>", None), (PROBE.format(1), ACK.format(0))]),
    ("and_old_is_old", [("S seq 0 <ts 4294967290 0>", SYN_ACK.format(4294967290)),
                        ("A seq 1 ack 1 <ts 3 *>", None),
                        ("PA seq 1 ack 1 len 1 <ts 4294967295 *>", ACK.format(3))]),
]]


@pytest.fixture(scope="module", params=VARIANTS, ids=variant_id)
def replay(request, directory):
    variant = request.param
    return Replay(CASES, variant.path, CONF, directory / variant.name, variant.isn).play()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_rfc7323(replay, case):
    replay.check(case)
