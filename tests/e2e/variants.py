# SPDX-License-Identifier: BSD-3-Clause
"""variants - every way in which the same segments can come: IPv4, IPv6, VLANs, and sequence
numbers on both sides of the wrap."""
import dataclasses

from notation import Path


@dataclasses.dataclass(frozen=True)
class Variant:
    name: str
    path: Path
    isn: int = 1000


# Priority bits included: a reply goes back in the very tag that its segment came in.
VLAN = ((0x8100, 0x6005),)
QINQ = ((0x88A8, 0x2007), (0x8100, 0x0FFE))

VARIANTS = [
    Variant("ip4", Path(4)),
    Variant("ip6", Path(6)),
    Variant("ip4_wrap", Path(4), isn=0xFFFFFFFE),
    Variant("ip6_wrap", Path(6), isn=0xFFFFFFFF),
    Variant("ip4_vlan", Path(4, VLAN)),
    Variant("ip6_qinq", Path(6, QINQ)),
    Variant("ip4_qinq_wrap", Path(4, QINQ), isn=0xFFFF8000),
    Variant("ip6_vlan", Path(6, VLAN), isn=0x7FFFFFFF),
]


def variant_id(variant):
    return variant.name
