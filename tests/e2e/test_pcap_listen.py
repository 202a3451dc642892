# SPDX-License-Identifier: BSD-3-Clause
"""RFC 9293 3.10.7.2: what a listener answers, and the SYN-ACK. rules.md 6.2 and 7.1."""
import itertools

import pytest

from notation import Path
from replay import Case, Replay
from variants import VARIANTS, variant_id

CONF = """
host { owns = { "10.9.0.1", "fd09::1" } connections = 10000 }
listener "plain" { ports = { "80" } script = { "accept", "hang" } backlog = 10000 }
listener "large" { ports = { "81" } script = { "accept", "hang" } backlog = 10000
	receive_buffer = 1048576 }
listener "small" { ports = { "82" } script = { "accept", "hang" } backlog = 10000
	receive_buffer = 1000 }
"""
PLAIN = "SA seq 0 ack 1 win 65535 <mss {mss}>"


def syn_ack(options):
    return PLAIN.replace(">", f",{options}>")


def one(name, sent, expected, service=80):
    return Case(name, service, [(sent, expected)], opening=sent if " seq 0" in sent and
                expected and expected.startswith("SA") else "")


FLAGS = [one(*row) for row in [
    ("rst_is_silence", "R seq 0", None),
    ("rst_ack_is_silence", "RA seq 0 ack 5000", None),
    ("syn_rst_is_silence", "SR seq 0", None),
    ("ack_draws_rst", "A seq 7 ack 5000", "R seq 5000 win 0"),
    ("syn_ack_draws_rst", "SA seq 0 ack 5000", "R seq 5000 win 0"),
    ("fin_ack_draws_rst", "FA seq 0 ack 5000", "R seq 5000 win 0"),
    ("syn_fin_ack_draws_rst", "SFA seq 0 ack 5000", "R seq 5000 win 0"),
    ("text_draws_rst", "PA seq 0 ack 5000 len 10", "R seq 5000 win 0"),
    ("syn_draws_syn_ack", "S seq 0", PLAIN),
    ("syn_with_psh_and_urg", "SPU seq 0 urg 1", PLAIN),
    ("syn_with_ecn_draws_plain_syn_ack", "SEC seq 0", PLAIN),
    ("d10_text_on_the_syn_is_not_acknowledged", "S seq 0 len 100", PLAIN),
    ("d11_syn_fin_is_a_syn", "SF seq 0", PLAIN),
    ("d11_syn_fin_with_text", "SF seq 0 len 10", PLAIN),
    ("null_is_silence", "- seq 0", None),
    ("fin_is_silence", "F seq 0", None),
    ("psh_is_silence", "P seq 0 len 3", None),
    ("urg_is_silence", "U seq 0 urg 1", None),
    ("xmas_is_silence", "FPU seq 0", None),
    ("text_without_ack_is_silence", "- seq 0 len 100", None),
]]

OPTIONS = [one(*row) for row in [
    ("mss", "S seq 0 <mss 1460>", PLAIN),
    ("mss_zero", "S seq 0 <mss 0>", PLAIN),
    ("wscale_only_if_offered", "S seq 0 <mss 1460,nop,wscale 7>", syn_ack("wscale 0")),
    ("wscale_over_14_is_taken_as_14", "S seq 0 <wscale 15>", syn_ack("wscale 0")),
    ("wscale_that_the_buffer_needs", "S seq 0 <wscale 0>", syn_ack("wscale 5"), 81),
    ("window_of_the_syn_ack_is_never_scaled", "S seq 0", PLAIN, 81),
    ("window_is_the_buffer_to_the_byte", "S seq 0", PLAIN.replace("65535", "1000"), 82),
    ("sack_only_if_offered", "S seq 0 <sackOK>", syn_ack("sackOK")),
    ("timestamp_is_echoed", "S seq 0 <ts 305419896 0>", syn_ack("ts * 305419896")),
    ("timestamp_zero", "S seq 0 <ts 0 0>", syn_ack("ts * 0")),
    ("all_in_order", "S seq 0 <nop,wscale 7,ts 9 0,sackOK,mss 1400>",
     syn_ack("sackOK,ts * 9,wscale 0")),
    ("not_aligned", "S seq 0 <nop,sackOK,nop,nop,nop,ts 9 0,mss 1460>", syn_ack("sackOK,ts * 9")),
    ("d25_the_last_of_two_wins", "S seq 0 <ts 1 0,ts 2 0>", syn_ack("ts * 2")),
    ("unknown_is_skipped", "S seq 0 <hex fd06deadbeef,sackOK>", syn_ack("sackOK")),
    ("md5_is_skipped", "S seq 0 <hex 1312 00112233445566778899aabbccddeeff,sackOK>",
     syn_ack("sackOK")),
    ("fast_open_is_skipped", "S seq 0 <hex 2202,sackOK>", syn_ack("sackOK")),
    ("nothing_after_end_of_options", "S seq 0 <sackOK,eol,ts 9 0>", syn_ack("sackOK")),
    ("d20_length_zero_ends_the_options", "S seq 0 <sackOK,hex fd00,ts 9 0>", syn_ack("sackOK")),
    ("d20_length_one_ends_the_options", "S seq 0 <sackOK,hex fd01,ts 9 0>", syn_ack("sackOK")),
    ("d20_length_past_the_header_ends_the_options", "S seq 0 <sackOK,hex fd0b0000>",
     syn_ack("sackOK")),
    ("d20_kind_without_length_at_the_end", "S seq 0 <sackOK,nop,hex fd>", syn_ack("sackOK")),
    ("d20_timestamp_cut_by_the_header", "S seq 0 <sackOK,nop,nop,hex 080a0000>",
     syn_ack("sackOK")),
    ("forty_bytes", "S seq 0 <" + "nop," * 36 + "mss 1460>", PLAIN),
]]
CASES = FLAGS + OPTIONS


@pytest.fixture(scope="module", params=VARIANTS, ids=variant_id)
def replay(request, directory):
    variant = request.param
    return Replay(CASES, variant.path, CONF, directory / variant.name, variant.isn).play()


@pytest.mark.parametrize("case", FLAGS, ids=lambda case: case.name)
def test_rfc9293_3_10_7_2(replay, case):
    replay.check(case)


@pytest.mark.parametrize("case", OPTIONS, ids=lambda case: case.name)
def test_rfc9293_3_1_syn_ack_options(replay, case):
    replay.check(case)


def test_every_frame_is_counted(replay):
    resets = sum(1 for case in FLAGS if (case.steps[0][1] or "").startswith("R "))
    strays = sum(1 for case in FLAGS if "R" in case.steps[0][0].split()[0])
    silent = sum(1 for case in FLAGS if case.steps[0][1] is None) - strays
    assert replay.counters.rst == {"no_connection": resets}
    assert replay.counters.dropped == {"tcp_stray_rst": strays, "tcp_listen": silent}


def by_the_rule(flags):
    """3.10.7.2, first to fourth."""
    if "R" in flags:
        return None
    if "A" in flags:
        return "R seq 5000 win 0"
    if "S" in flags:
        return PLAIN
    return None


@pytest.mark.parametrize("family", (4, 6))
def test_rfc9293_3_10_7_2_every_set_of_flags(family, directory):
    sets = ["".join(s) for n in range(9) for s in itertools.combinations("FSRPAUEC", n)]
    cases = []
    for flags, length in itertools.product(sets, (0, 1, 536)):
        sent = f"{flags or '-'} seq 0 ack {{ack}} len {length}"
        expected = by_the_rule(flags)
        opens = expected == PLAIN
        # An ACK counts from riposte's initial number, which only a SYN-ACK has told.
        cases.append(Case(f"{flags or 'null'}_{length}", 80,
                          [(sent.format(ack=0 if opens else 5000), expected)],
                          opening=sent.format(ack=0) if opens else ""))
    replay = Replay(cases, Path(family), CONF, directory / f"flags{family}").play()
    for case in cases:
        replay.check(case)


def test_7_2_same_syn_same_number_other_syn_other_number(directory):
    """With --seed the initial sequence number is a function of the four-tuple alone."""
    cases = [Case(f"client{i}", 80, [("S seq 0", PLAIN)]) for i in range(64)]
    first = Replay(cases, Path(4), CONF, directory / "isn1").play()
    second = Replay(cases, Path(4), CONF, directory / "isn2").play()
    numbers = [[peer.iss for peer in replay.peers.values()] for replay in (first, second)]
    assert numbers[0] == numbers[1]
    assert len(set(numbers[0])) == len(cases)
    gaps = {b - a for a, b in zip(numbers[0], numbers[0][1:])}
    assert len(gaps) == len(cases) - 1, "numbers at equal distances can be guessed"
