# SPDX-License-Identifier: BSD-3-Clause
"""measure - one run: both sides started, the load for so many seconds, both ended, and what holds."""
import contextlib
import time
from dataclasses import dataclass, field

from .machine import LoadError
from .responder import Elsewhere, Riposte
from .sender import remember_csv

WARM_UP = 0.2  # of the time: not in the rates
SAMPLES = 50
SAMPLE_MIN = 0.1  # seconds
RIGHT_SHARE = 0.99  # of the frames end in the case's counters
GROWTH_KIB = 4096


@dataclass
class Sample:
    """What the sender had counted at one time, and the responder at another a little later."""
    time: float
    sent: int
    received: int
    counts_time: float
    counts: dict


@dataclass
class Run:
    """sent: of the whole run. lost: on the way there and on the way back. counts: the responder's at
    its end. growth: of its memory, in KiB. cpu: of one processor, of the responder and of the sender.
    wrong: what does not hold, a line each."""
    case: str
    samples: list = field(default_factory=list)
    sent: int = 0
    lost: tuple = (None, None)
    counts: dict = field(default_factory=dict)
    growth: int = None
    cpu: tuple = (None, None)
    wrong: list = field(default_factory=list)

    def _rate(self, value, time_of=lambda sample: sample.time):
        first, last = self.samples[0], self.samples[-1]
        return (value(last) - value(first)) / (time_of(last) - time_of(first))

    @property
    def offered(self):
        return self._rate(lambda sample: sample.sent)

    @property
    def back(self):
        return self._rate(lambda sample: sample.received)

    def rate(self, *names):
        """Of the responder's counters, or None where it is not ours."""
        if not any(name in self.samples[-1].counts for name in names):
            return None
        return self._rate(lambda sample: sum(sample.counts.get(name, 0) for name in names),
                          lambda sample: sample.counts_time)

    def dropped(self):
        """Reason: how many."""
        return {name.removeprefix("dropped."): value for name, value in self.counts.items()
                if name.startswith("dropped.")}


def _sample(sender, responder, start):
    sent, received = sender.counts()
    now = time.monotonic() - start
    counts = responder.counts()
    return Sample(now, sent, received, time.monotonic() - start, counts)


def _cpu(before, after, seconds):
    return tuple((b - a) / seconds if a is not None else None for a, b in zip(before, after))


def _used(*programs):
    return tuple(p.cpu_seconds() if getattr(p, "cpu_seconds", None) else None for p in programs)


def _watch(run, sender, responder, seconds):
    """The load, sampled. What comes before the rates begin is in no rate."""
    start = time.monotonic()
    time.sleep(WARM_UP * seconds)
    memory = responder.anonymous_kib() if isinstance(responder, Riposte) else None
    used, began = _used(responder, sender), time.monotonic()
    while (left := start + seconds - time.monotonic()) > 0:
        run.samples.append(_sample(sender, responder, start))
        responder.check()
        sender.check()
        time.sleep(min(left, max(SAMPLE_MIN, seconds / SAMPLES)))
    run.cpu = _cpu(used, _used(responder, sender), time.monotonic() - began)
    if memory is not None:
        run.growth = responder.anonymous_kib() - memory
    if len(run.samples) < 2:
        raise LoadError(f"{seconds} s are too short to measure anything")


def run(setting, case, make_link, make_responder, make_sender, seconds, csv=None):
    """One run of a case."""
    done = Run(case.name)
    with contextlib.ExitStack() as stack:
        link = stack.enter_context(make_link())
        responder = make_responder(setting, link)
        stack.callback(responder.close)
        responder.ready()
        if setting.pci and not setting.mac:
            setting.mac = responder.mac()
        sender = make_sender(setting, link, case, seconds)
        stack.callback(sender.close)
        sender.peer = responder
        sender.ready()
        sender.begin()
        _watch(done, sender, responder, seconds)
        sender.end()
        last = _sample(sender, responder, 0)
        done.sent = last.sent
        if last.counts:
            done.lost = last.sent - last.counts["rx"], last.counts["tx"] - last.received
        # Before the other side: net_memif takes the rings from under a worker that still looks at
        # them when its peer goes.
        status, done.counts = responder.finish()
        sender.close()
        remember_csv(sender, csv)
    if isinstance(responder, Riposte):
        done.wrong = list(_wrong(done, case, status))
    elif status != 0:
        done.wrong = [f"{responder.name} ended with {status}"]
    if not isinstance(responder, Elsewhere) and done.offered == 0:
        done.wrong.append("nothing was sent")
    return done


def _wrong(done, case, status):
    """What does not hold of riposte."""
    counts = done.counts
    if status != 0:
        yield f"riposte ended with {status}"
    if "rx" not in counts:
        yield "riposte printed no counters"
        return
    dropped = sum(done.dropped().values())
    ended = counts.get("answered", 0) + counts.get("consumed", 0) + dropped
    if counts["rx"] != ended:
        yield f"rx is {counts['rx']}, and answered, consumed and dropped together {ended}"
    if counts.get("mbufs_in_use", 0):
        yield f"{counts['mbufs_in_use']} packet buffers were lost"
    right = sum(counts.get(name, 0) for name in case.counts)
    # Where a link loses frames, there are RSTs without their SYN.
    if not (case.mix and done.sent != counts["rx"]) and right < RIGHT_SHARE * counts["rx"]:
        yield (f"{right} of {counts['rx']} frames ended in {' and '.join(case.counts)}, and it "
               f"should be {RIGHT_SHARE:.0%}")
    if counts["rx"] == 0:
        yield "riposte received nothing"
    if done.growth is not None and done.growth > GROWTH_KIB:
        yield f"riposte's memory grew by {done.growth} KiB under the load, over {GROWTH_KIB}"
