# SPDX-License-Identifier: BSD-3-Clause
"""sequences - what is sent: segments at random, out of a seed, that know where a server stands only
by name: nxt is what it acknowledged last, edge the end of the window it advertised, snd the end of
what it sent. So two servers are sent the same, each in its own numbers."""
import dataclasses
import random

from segments import ACK, FIN, LETTERS, M32, PSH, RST, SYN, URG

ECE, CWR = 64, 128
ODD_LETTERS = {**LETTERS, ECE: "E", CWR: "C"}
SMALL, LARGE = 2920, 29200  # what Linux makes of LARGE later still fits into the field


@dataclasses.dataclass(frozen=True)
class Service:
    """A listener: its port is the same everywhere. shuts: its application still reads once it has
    sent its FIN. waits: it does something when time passes. closes_after: so many bytes, None: not
    before the peer's FIN."""
    name: str
    port: int
    script: tuple
    weight: int = 4
    window: int = LARGE
    shuts: bool = False
    waits: bool = False
    closes_after: int = None

    @property
    def echoes(self):
        return self.script is not None and "echo" in self.script


SERVICES = [
    Service("reader", 1001, ("accept", "read all", "close"), 8),
    Service("hung", 1002, ("accept", "hang")),
    Service("closer", 1003, ("accept", "close"), 8, closes_after=0),
    Service("half-closer", 1004, ("accept", "shutdown", "read all", "close"), 8, shuts=True,
            closes_after=0),
    Service("half-reader", 1005, ("accept", "read 100", "close"), closes_after=100),
    Service("writer", 1006, ("accept", 'write "twenty bytes of text"', "read all", "close")),
    Service("deaf", 1007, (), 3),
    Service("aborter", 1008, ("accept", "linger 0", "close"), 2),
    Service("small-hung", 1009, ("accept", "hang"), window=SMALL),
    Service("small-reader", 1010, ("accept", "read all", "close"), window=SMALL),
    Service("one-reader", 1011, ("accept", "read", "close"), closes_after=1),
    Service("late-aborter", 1012, ("accept", "read", "linger 0", "close"), 2),
    Service("sleeper", 1013, ("accept", "sleep 1s", "close"), 2, waits=True),
    Service("impatient", 1014, ("accept", "timeout 1s", "read", "close"), 2, waits=True,
            closes_after=1),
    Service("echo", 1015, ("accept", "echo", "close"), 3),
    Service("nobody", 1099, None, 2),
    Service("port 0", 0, None, 1),
]
PAUSE_AT = 3  # of all sequences with a pause, so that they pause together
PAUSE = 1.3  # longer than any of the waits above, shorter than any timer but those of sending again


@dataclasses.dataclass(frozen=True)
class Step:
    """One segment. seq and ack: (name, offset), ack None without the ACK flag. ts: None, or how
    much newer than the sequence's tsval. options: those of a SYN, as notation.py spells them.
    multicast: to all hosts, but in a frame to the server."""
    flags: int
    seq: tuple
    ack: tuple = None
    text: int = 0
    win: int = 65535
    ts: int = None
    options: str = ""
    urgent: int = 0
    multicast: bool = False

    def __str__(self):
        letters = "".join(letter for bit, letter in ODD_LETTERS.items() if self.flags & bit)
        out = f"{letters or '-'} seq {place(self.seq)}"
        if self.ack:
            out += f" ack {place(self.ack)}"
        if self.text:
            out += f" len {self.text}"
        out += f" win {self.win}"
        options = [self.options] if self.options else []
        if self.ts is not None:
            options.append(f"ts {self.ts:+}")
        out += f" <{','.join(options)}>" if options else ""
        out += f" urg {self.urgent}" if self.urgent else ""
        return out + (" to all hosts" if self.multicast else "")


def place(where):
    name, offset = where
    return name if offset == 0 else f"{name}{offset:+}"


@dataclasses.dataclass(frozen=True)
class Sequence:
    """steps: Step, or None while time passes."""
    seed: int
    service: Service
    isn: int
    tsval: int
    timestamps: bool
    steps: tuple

    @property
    def pauses(self):
        return None in self.steps


def make(seed, family):
    """The sequence of a seed."""
    return Maker(random.Random(f"{seed}/{family}"), seed, family).sequence()


def offsets(*around):
    """Beside each of them, too."""
    return [one + by for one in around for by in (-1, 0, 1)]


HALF = 1 << 31  # at exactly this distance there is no before and after
SEQ = ([("nxt", by) for by in (*offsets(0), 1, -1, -2, 2, 100, 1000, -100, -1000, HALF - 1,
                               HALF + 1)] +
       [("edge", by) for by in (*offsets(0), 1, 0, -1, -2, -10, 100, 70000)] +
       [("held", 0), ("held", -1), ("irs", 0), ("irs", 1), ("irs", -1)])
ACKS = ([("snd", by) for by in (*offsets(0), 1, 1, -2, 2, 1000, -100, -1000, -65535, -65536, -70000,
                                HALF - 1, 1 - HALF)] +
        [("una", by) for by in (0, -1, -65535, -65536)])
LENGTHS = (1, 1, 2, 10, 99, 100, 101, 500, 1000, 1400)
LONG = (1, 100, 500, 900, 1400, 1400)  # to fill a small buffer
FLAGS = (ACK, ACK | PSH, ACK | FIN, ACK | FIN | PSH, ACK | URG, SYN, SYN | ACK, SYN | FIN, RST,
         RST | ACK, SYN | RST, FIN, 0, PSH, URG | PSH | FIN, FIN | RST | ACK, SYN | ACK | FIN,
         ACK | ECE, ACK | CWR | ECE, SYN | FIN | RST | PSH | ACK | URG)
SYN_FLAGS = (SYN,) * 16 + (SYN | PSH, SYN | URG, SYN | ECE | CWR, SYN | FIN)
MSS = ("mss 1460", "mss 536", "mss 9000", "mss 65535", "mss 100")
# MD5, one that nobody knows, of wrong lengths, twice the same.
EXTRA = ("hex 1312" + "00" * 16, "hex fe04abcd", "hex 1e02", "hex 0303", "hex 0200", "mss 900",
         "wscale 3", "hex 0402", "nop", "eol")
AGES = (0, 1, 1000, HALF - 10000, -1, -2, -1000, -HALF + 10000)


NXT, SND, UNA = ("nxt", 0), ("snd", 0), ("una", 0)
# (service, steps): behind a handshake, or, where the first begins by IRS, in it. ts is how much
# newer than it should be.
PATTERNS = [
    *(("closer", (Step(ACK, NXT, SND), step)) for step in (
        Step(RST, ("nxt", 5)), Step(RST, ("edge", 5)), Step(SYN, ("nxt", 5)),
        Step(ACK, NXT, ("snd", 1)), Step(ACK | FIN, ("nxt", 1), SND))),
    ("small-hung", (Step(ACK, NXT, SND, 1460), Step(ACK, NXT, SND, 1460),
                    Step(ACK | FIN, NXT, SND))),
    ("hung", (Step(RST, ("irs", 1), ts=-1000), Step(ACK, NXT, SND, 10))),
    ("reader", (Step(ACK, ("nxt", 100), SND, 50), Step(RST, ("held", 0)), Step(ACK, NXT, SND, 10))),
    ("echo", (Step(ACK, NXT, SND, 2), Step(ACK, NXT, UNA, 1000), Step(ACK, NXT, SND, 500))),
    ("hung", (Step(ACK | FIN, NXT, SND), Step(ACK | FIN, ("nxt", -2), SND, 2))),
    ("reader", (Step(SYN | FIN | ACK, ("irs", 0), SND), Step(ACK, NXT, SND, 10))),
    ("reader", (Step(ACK, NXT, SND, 10), Step(ACK, NXT, ("snd", -9000000), 10))),
    ("reader", (Step(ACK, NXT, SND, 500), Step(RST, ("nxt", 29000)))),
    ("reader", (Step(ACK, ("nxt", 100), SND, win=0), Step(ACK | FIN, NXT, SND))),
    ("echo", (Step(ACK, NXT, SND, 1400),)),
    ("half-closer", (Step(ACK | FIN, NXT, SND), Step(SYN, NXT, ts=-1000))),
    ("half-closer", (Step(ACK, NXT, UNA, 10, win=0),)),
    ("hung", (Step(ACK | FIN, NXT, SND), Step(RST, ("nxt", -1)), Step(ACK, NXT, SND))),
    ("hung", (Step(ACK, NXT, SND, ts=-1000), Step(ACK, NXT, SND, 1, ts=-1))),
]


class Maker:
    """Of one sequence: rng decides everything."""

    def __init__(self, rng, seed, family):
        self.rng, self.seed, self.family = rng, seed, family
        self.service = rng.choices(SERVICES, [one.weight for one in SERVICES])[0]
        self.timestamps = rng.random() < 0.45
        self.clock = 0

    def sequence(self):
        rng = self.rng
        if rng.random() < 0.25:
            steps = self.pattern()
        else:
            steps = [self.syn() if rng.random() < 0.93 else self.odd()]
            steps.append(self.ack_of_syn() if rng.random() < 0.8 else self.odd())
        for _ in range(rng.randint(1, 12 - len(steps))):
            steps.append(self.lawful() if rng.random() < 0.55 else self.odd())
        if rng.random() < (0.6 if self.service.waits else 0.02):
            steps.insert(PAUSE_AT, None)
        isn = rng.choice((rng.getrandbits(32), M32 - rng.randrange(3000)))
        # TS.Recent comes by 0, and stays there for a while.
        zero = rng.choice([one.ts for one in steps[:3] if one and one.ts is not None] or [0])
        tsval = rng.choice((rng.getrandbits(32), M32 - rng.randrange(30), -zero & M32))
        return Sequence(self.seed, self.service, isn, tsval, self.timestamps, tuple(steps))

    def pattern(self):
        """A connection, and one of the openings that chance alone seldom finds."""
        service, steps = self.rng.choice(PATTERNS)
        self.service = next(one for one in SERVICES if one.name == service)
        self.timestamps = self.timestamps and service != "small-hung"
        out = [Step(SYN, ("irs", 0), ts=self.ts(), options=self.rng.choice(
            ("mss 1460,sackOK", "mss 536", "mss 1460,sackOK,wscale 7")))]
        if steps[0].seq[0] != "irs":
            out.append(Step(ACK, ("nxt", 0), ("snd", 0), ts=self.ts()))
        for step in steps:
            now = self.ts()
            step = dataclasses.replace(step, text=min(step.text, {4: 1460, 6: 1440}[self.family]))
            if self.timestamps:
                step = dataclasses.replace(step, ts=(now + (step.ts or 0)) & M32)
            else:
                step = dataclasses.replace(step, ts=None)
            out.append(step)
        return out

    def ts(self):
        """The client's clock goes on with every segment."""
        if not self.timestamps:
            return None
        self.clock += self.rng.choice((0, 1, 10, 10))
        return self.clock

    def syn(self, seq=("irs", 0)):
        rng = self.rng
        # The echo's texts are not to be cut into more segments than may be on their way at once.
        options = [rng.choice(MSS[:4] if self.service.echoes else MSS)] * (rng.random() < 0.8)
        options += ["sackOK"] * (rng.random() < 0.6)
        if rng.random() < 0.4:
            options.append(f"wscale {rng.choice((0, 2, 7, 14, 15))}")
        if rng.random() < 0.12:
            options.insert(rng.randint(0, len(options)), rng.choice(EXTRA))
        return Step(rng.choice(SYN_FLAGS), seq, win=rng.choice((65535,) * 8 + (0, 1, 1000)),
                    text=rng.choice((0,) * 12 + (10, 1000)), ts=self.ts(),
                    options=",".join(options))

    def ack_of_syn(self):
        rng = self.rng
        text = rng.choice((0,) * 6 + LENGTHS)
        return Step(rng.choice((ACK,) * 8 + (ACK | FIN, ACK | PSH)), ("nxt", 0), ("snd", 0), text,
                    self.window(), self.ts())

    def window(self):
        return self.rng.choice((65535,) * 8 + (30000, 0) + (500, 20) * (not self.service.echoes))

    def lawful(self):
        """What a client could send."""
        kind = self.rng.random()
        text = self.rng.choice(LONG if self.service.window == SMALL else LENGTHS)
        step = Step(ACK, ("nxt", 0), ("snd", 0), 0, self.window(), self.ts())
        if kind < 0.5:
            return dataclasses.replace(step, flags=ACK | self.rng.choice((0, PSH)), text=text)
        if kind < 0.65:
            return step
        if kind < 0.78:
            return dataclasses.replace(step, flags=ACK | FIN)
        if kind < 0.84:
            return dataclasses.replace(step, flags=ACK | FIN, text=text)
        if kind < 0.88:
            return dataclasses.replace(step, flags=self.rng.choice((RST, RST | ACK)),
                                       seq=self.rng.choice((("nxt", 0), ("nxt", 0), ("held", 0))))
        if kind < 0.94:
            return dataclasses.replace(step, ack=("una", 0), text=text)
        return self.syn(self.rng.choice((("irs", 0), ("nxt", 0), ("nxt", 1000), ("nxt", 1))))

    def odd(self):
        """The same with one thing or two about it that should not be."""
        step = self.lawful()
        spoilers = [self.spoil_seq, self.spoil_ack, self.spoil_flags, self.spoil_text,
                    self.spoil_ts, self.spoil_rest]
        for spoil in self.rng.choices(spoilers, (6, 4, 5, 2, 2 * self.timestamps, 1),
                                      k=self.rng.choice((1, 1, 1, 2))):
            step = spoil(step)
        return step

    def spoil_seq(self, step):
        choices = SEQ
        if step.text:
            choices = SEQ + [("nxt", by) for by in (-step.text, -step.text - 1, -step.text // 2,
                                                    1 - step.text)] * 3
            choices = choices + [("edge", -step.text + by) for by in (-1, 0, 1)]
        return dataclasses.replace(step, seq=self.rng.choice(choices))

    def spoil_ack(self, step):
        return dataclasses.replace(step, flags=step.flags | ACK, ack=self.rng.choice(ACKS))

    def spoil_flags(self, step):
        flags = self.rng.choice(FLAGS)
        options = step.options if flags & SYN else ""
        return dataclasses.replace(step, flags=flags, options=options,
                                   ack=(step.ack or ("snd", 0)) if flags & ACK else None)

    def spoil_text(self, step):
        return dataclasses.replace(step, text=self.rng.choice(LENGTHS))

    def spoil_ts(self, step):
        if self.rng.random() < 0.2:
            return dataclasses.replace(step, ts=None)
        return dataclasses.replace(step, ts=(self.clock + self.rng.choice(AGES)) & M32)

    def spoil_rest(self, step):
        if self.family == 6 and self.rng.random() < 0.4:
            return dataclasses.replace(step, multicast=True)
        return dataclasses.replace(step, flags=step.flags | URG,
                                   urgent=self.rng.choice((0, 1, step.text, 65535)))
