# SPDX-License-Identifier: BSD-3-Clause
"""SYN cookies (RFC 4987 3.6): no state before the final ACK. rules.md 7.3."""
import pytest

from replay import Case, Path, Replay
from variants import VARIANTS, variant_id

HOST = """
host { owns = { "10.9.0.1", "fd09::1" } connections = 10000 }
"""
CONF = HOST + """
listener "hang" { ports = { "80" } script = { "accept", "hang" } backlog = 10000
	cookies = always }
listener "large" { ports = { "81" } script = { "accept", "hang" } backlog = 10000
	cookies = always receive_buffer = 1048576 }
listener "read" { ports = { "82" } script = { "accept", "read 5", "close" } backlog = 10000
	cookies = always }
"""
SYN_ACK = "SA seq 0 ack 1 win 65535 <mss {mss}>"
SYN = ("S seq 0", SYN_ACK)
UP = ("A seq 1 ack 1", None)
TEXT = ("PA seq 1 ack 1 len 5", "A seq 1 ack 6 win 65530")
ALL = "mss 1460,sackOK,ts 100 0,nop,wscale 7"

CASES = [Case(name, service, steps, opening) for name, service, steps, opening in [
    ("syn_ack_establishes", 80, [SYN, UP, TEXT], None),
    ("nothing_is_kept_of_the_syn", 80, [UP, TEXT], "S seq 0"),
    ("text_on_the_ack", 80, [SYN, TEXT], None),
    ("fin_on_the_ack", 80, [SYN, ("FA seq 1 ack 1", "A seq 1 ack 2 win 65535")], None),
    ("text_on_the_ack_for_a_script", 82,
     [SYN, ("PA seq 1 ack 1 len 5", "FA seq 1 ack 6 win 65535")], None),
    ("same_syn_same_cookie", 80, [SYN, SYN, UP, TEXT], None),
    ("other_syn_other_cookie", 80, [SYN, ("S seq 50", "SA seq * ack 51 win 65535 <mss {mss}>"),
                                    UP, TEXT], None),
    ("rst_cannot_cancel", 80, [SYN, ("R seq 1", None), ("RA seq 1 ack 1", None), UP, TEXT], None),
    ("wrong_ack_draws_rst", 80, [SYN, ("A seq 1 ack 2", "R seq 2 win 0"), UP, TEXT], None),
    ("ack_of_the_cookie_itself_draws_rst", 80, [SYN, ("A seq 1 ack 0", "R seq iss win 0")], None),
    ("right_ack_wrong_seq_draws_rst", 80, [SYN, ("A seq 2 ack 1", "R seq 1 win 0"), UP, TEXT],
     None),
    ("syn_ack_with_the_cookie_draws_rst", 80, [SYN, ("SA seq 1 ack 1", "R seq 1 win 0")], None),
    ("null_is_silence", 80, [SYN, ("- seq 1", None), UP, TEXT], None),
    ("fin_without_ack_is_silence", 80, [SYN, ("F seq 1", None), UP, TEXT], None),
    ("text_without_ack_is_silence", 80, [SYN, ("P seq 1 len 5", None), UP, TEXT], None),
    ("without_timestamp_only_mss", 80, [("S seq 0 <mss 1460,sackOK,nop,wscale 7>", SYN_ACK),
                                        UP, TEXT], None),
    ("timestamp_keeps_all_options", 80,
     [(f"S seq 0 <{ALL}>", "SA seq 0 ack 1 win 65535 <mss {mss},sackOK,ts * 100,wscale 0>"),
      ("A seq 1 ack 1 <ts 101 *>", None),
      ("PA seq 1 ack 1 len 5 <ts 102 *>", "A seq 1 ack 6 win 65530 <ts * 102>")], None),
    ("timestamp_keeps_window_scale", 81,
     [(f"S seq 0 <{ALL}>", "SA seq 0 ack 1 win 65535 <mss {mss},sackOK,ts * 100,wscale 5>"),
      ("PA seq 1 ack 1 len 32 <ts 101 *>", "A seq 1 ack 33 win 32767 <ts * 101>")], None),
    ("timestamp_without_window_scale", 81,
     [("S seq 0 <ts 100 0>", "SA seq 0 ack 1 win 65535 <mss {mss},ts * 100>"),
      ("PA seq 1 ack 1 len 32 <ts 101 *>", "A seq 1 ack 33 win 65535 <ts * 101>")], None),
]]


@pytest.fixture(scope="module", params=VARIANTS, ids=variant_id)
def replay(request, directory):
    variant = request.param
    return Replay(CASES, variant.path, CONF, directory / variant.name, variant.isn).play()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_rfc4987_3_6_cookie(replay, case):
    replay.check(case)


def test_no_entry_before_the_ack(replay):
    """The only connections are those that a good ACK has made."""
    opened = sum(1 for case in CASES if case.steps[-1][1] is not None and
                 case.steps[-1][1].startswith(("A ", "FA ")))
    assert replay.counters["opened"] == replay.counters["established"] == opened


def test_a_cookie_is_good_for_one_four_tuple(directory):
    """The ACK that would establish one client does nothing for another."""
    case = Case("thief", 80, [("A seq 1 ack 1", "R seq 1 win 0")], opening="S seq 0")
    replay = Replay([case], Path(4), CONF, directory / "thief")
    peer = replay.peers["thief"]
    port, peer.port = peer.port, peer.port + 1
    learn = Replay([case, Case("other", 80, [("S seq 0", None)])], Path(4), CONF,
                   directory / "other").play()
    assert port == learn.peers["thief"].port
    peer.port, peer.iss = port, learn.peers["other"].iss
    case.opening = ""
    replay.play()
    replay.check(case)


def clients(count, steps):
    return [Case(f"client{i}", 80, steps) for i in range(count)]


def test_auto_takes_over_when_a_quarter_is_half_open(directory):
    """design.md, "cookies = auto"."""
    conf = HOST.replace("10000", "400") + """
listener "hang" { ports = { "80" } script = { "accept", "hang" } backlog = 10000 }
"""
    cases = clients(300, [SYN, UP, TEXT])
    replay = Replay(cases, Path(4), conf, directory / "auto").play()
    for case in cases:
        replay.check(case)
    assert replay.counters["cookies_sent"] == 200
    assert replay.counters["cookies_accepted"] == 200
    assert replay.counters["established"] == 300


def test_never_means_no_answer_when_the_table_is_full(directory):
    conf = HOST.replace("10000", "100") + """
listener "hang" { ports = { "80" } script = { "accept", "hang" } backlog = 10000
	cookies = never }
"""
    cases = [Case(f"client{i}", 80, [("S seq 0", SYN_ACK if i < 100 else None)], opening="")
             for i in range(150)]
    replay = Replay(cases, Path(4), conf, directory / "never").play()
    assert replay.counters.dropped == {"tcp_table_full": 50}
    assert replay.counters["opened"] == 100 and replay.counters["cookies_sent"] == 0


def test_a_full_backlog_sends_no_cookies(directory):
    """D-24: where the accept queue is full, SYNs are not answered, in cookie mode either."""
    conf = HOST + """
listener "never" { ports = { "80" } script = {} backlog = 2 cookies = always }
"""
    late = [Case(f"late{i}", 80, [(None, None), (None, None), ("S seq 0", None)], opening="")
            for i in range(3)]
    cases = clients(4, [SYN, UP])
    replay = Replay(cases + late, Path(4), conf, directory / "full").play()
    for case in late:
        replay.check(case)
    assert replay.counters["established"] == 2
    assert replay.counters.dropped == {"tcp_backlog_full": 2 + 3}
