# SPDX-License-Identifier: BSD-3-Clause
"""RFC 9293 3.10.7.1: what a port with no listener answers. rules.md 6.1 and 3."""
import itertools

import pytest

from replay import Case, Path, Replay, run
from variants import VARIANTS, variant_id

CONF = """
host { owns = { "10.9.0.1", "fd09::1" } connections = 1000 }
"""
PORT = 9

CASES = [Case(name, PORT, [(sent, expected)], opening="") for name, sent, expected in [
    ("rst_is_silence", "R seq 0", None),
    ("rst_ack_is_silence", "RA seq 0 ack 5000", None),
    ("syn_rst_is_silence", "SR seq 0", None),
    ("rst_with_text_is_silence", "R seq 0 len 10", None),
    ("ack_draws_rst_at_its_ack", "A seq 77 ack 5000", "R seq 5000 win 0"),
    ("ack_zero_draws_rst_at_zero", "A seq 77 ack 0", "R seq 0 win 0"),
    ("ack_of_the_last_number", "A seq 77 ack -1", "R seq -1 win 0"),
    ("syn_ack", "SA seq 0 ack 5000", "R seq 5000 win 0"),
    ("fin_ack", "FA seq 0 ack 5000", "R seq 5000 win 0"),
    ("text_with_ack", "PA seq 0 ack 5000 len 100", "R seq 5000 win 0"),
    ("urg_ack", "UA seq 0 ack 5000 len 1 urg 1", "R seq 5000 win 0"),
    ("all_flags_but_rst", "FSPAUEC seq 0 ack 5000", "R seq 5000 win 0"),
    ("syn", "S seq 0", "RA seq 0 ack 1 win 0"),
    ("syn_with_options_draws_none", "S seq 0 <mss 1460,sackOK,ts 1 0,nop,wscale 7>",
     "RA seq 0 ack 1 win 0"),
    ("syn_with_text", "S seq 0 len 6", "RA seq 0 ack 7 win 0"),
    ("syn_with_ecn", "SEC seq 0", "RA seq 0 ack 1 win 0"),
    ("syn_fin", "SF seq 0", "RA seq 0 ack 2 win 0"),
    ("syn_fin_with_text", "SF seq 0 len 9", "RA seq 0 ack 11 win 0"),
    ("fin", "F seq 0", "RA seq 0 ack 1 win 0"),
    ("fin_with_text", "F seq 0 len 3", "RA seq 0 ack 4 win 0"),
    ("xmas", "FPU seq 0", "RA seq 0 ack 1 win 0"),
    ("xmas_with_text", "FPU seq 0 len 1400", "RA seq 0 ack 1401 win 0"),
    ("null", "- seq 0", "RA seq 0 ack 0 win 0"),
    ("null_with_text", "- seq 0 len 5", "RA seq 0 ack 5 win 0"),
    ("psh", "P seq 0", "RA seq 0 ack 0 win 0"),
    ("urg", "U seq 0 urg 9", "RA seq 0 ack 0 win 0"),
]]


@pytest.fixture(scope="module", params=VARIANTS, ids=variant_id)
def replay(request, directory):
    variant = request.param
    return Replay(CASES, variant.path, CONF, directory / variant.name, variant.isn).play()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_rfc9293_3_10_7_1(replay, case):
    replay.check(case)


def test_rst_counters_name_the_reason(replay):
    answered = sum(1 for case in CASES if case.steps[0][1])
    assert replay.counters.rst == {"no_listener": answered}
    assert replay.counters.dropped == {"tcp_stray_rst": len(CASES) - answered}


def by_the_rule(flags, length):
    """3.10.7.1, in the RFC's own words."""
    if "R" in flags:
        return None
    if "A" in flags:
        return "R seq 5000 win 0"
    return f"RA seq 0 ack {length + flags.count('S') + flags.count('F')} win 0"


@pytest.mark.parametrize("family", (4, 6))
def test_rfc9293_3_10_7_1_every_set_of_flags(family, directory):
    sets = ["".join(s) for n in range(9) for s in itertools.combinations("FSRPAUEC", n)]
    cases = [Case(f"{flags or 'null'}_{length}", PORT,
                  [(f"{flags or '-'} seq 0 ack 5000 len {length}", by_the_rule(flags, length))],
                  opening="")
             for flags in sets for length in (0, 1, 536)]
    replay = Replay(cases, Path(family), CONF, directory / f"flags{family}").play()
    for case in cases:
        replay.check(case)


@pytest.mark.parametrize("family", (4, 6))
def test_closed_drop_answers_nothing(family, directory):
    conf = CONF.replace("connections", "closed = drop connections")
    cases = [Case(case.name, PORT, [(case.steps[0][0], None)], opening="") for case in CASES]
    replay = Replay(cases, Path(family), conf, directory / f"drop{family}").play()
    for case in cases:
        replay.check(case)
    stray = sum(1 for case in CASES if case.steps[0][1] is None)
    assert replay.counters.dropped == {"tcp_stray_rst": stray, "tcp_closed": len(CASES) - stray}


def test_no_frames_no_replies(directory):
    replies, counters = run([], CONF, directory / "empty")
    assert replies == []
    assert counters == {"rx": 0}
