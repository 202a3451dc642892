# SPDX-License-Identifier: BSD-3-Clause
"""scenarios - what the second opinion is asked about: a server's script, and a function that is the
client's program. It goes step by step, so that what each side had seen before it went on is no
race. Here are the decisions by which riposte may differ from Linux; the scenarios are in
scenarios_*.py."""
import dataclasses

from opinions import Mask, without_idle_acks, without_text_and_its_acks

D13 = Mask("D-13", "rules.md section 4, D-13: no delayed ACK, one per connection and burst; Linux "
           "waits up to 40 ms for something to send it with", without_idle_acks)

D23 = Mask("D-23", "rules.md section 4, D-23: the window is receive_buffer less what is unread, to "
           "the byte; how much Linux takes depends on how it comes", without_text_and_its_acks,
           both=True)


@dataclasses.dataclass
class Scenario:
    """port: of IPv4; IPv6 has another, so that their accept queues are two. Without a script nobody
    listens. stream: where long texts are cut is not compared. held: the cables can be
    held."""
    name: str
    script: tuple
    program: object
    stream: bool
    held: bool
    backlog: int
    masks: tuple
    port: int

    def listener(self, family):
        return {"port": self.port + 1000 * family, "family": family, "script": list(self.script),
                "backlog": self.backlog}

    def conf(self, family):
        calls = ", ".join(quoted(call) for call in self.script)
        return (f'listener "{self.name}-{family}" {{ ports = {{ "{self.port + 1000 * family}" }} '
                f"script = {{ {calls} }} backlog = {self.backlog} }}\n")


SCENARIOS = []


def scenario(*script, listens=True, stream=False, held=False, backlog=20, masks=()):
    """The decorated program is played with a server of that script."""
    def add(program):
        SCENARIOS.append(Scenario(program.__name__, script if listens else None, program, stream,
                                  held, backlog, (D13, *masks), 1 + len(SCENARIOS)))
        return program
    return add


def quoted(call):
    """A call as the configuration spells it."""
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\r", "\\r"), ("\n", "\\n")):
        call = call.replace(plain, escaped)
    return f'"{call}"'
