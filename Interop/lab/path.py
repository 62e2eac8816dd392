# SPDX-License-Identifier: Apache-2.0
"""What an access link does to packets."""
import dataclasses
import re

# Bits a second, seconds.
RATES = {"bit": 1, "kbit": 1e3, "mbit": 1e6, "gbit": 1e9}
TIMES = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400}


def amount(text, units):
    """The number in `text` with one of the units; a number as it is."""
    if isinstance(text, (int, float)):
        return float(text)
    found = re.fullmatch(r"([+-]?[0-9]*\.?[0-9]+)([a-z]+)", text.strip())
    if not found or found[2] not in units:
        raise ValueError(f"{text!r} is no amount: a number and one of {', '.join(units)}, as 10{list(units)[1]}")
    return float(found[1]) * units[found[2]]


@dataclasses.dataclass(frozen=True)
class Path:
    """One direction of an access link; a host has one each way.

    `rate`: bits a second ("200mbit"), None for no limit. `delay`: one way ("25ms"); the round trip of two hosts is twice the
    sum of their delays. `jitter`: added to the delay, evenly from nothing to this; packets stay in order. `queue`: what waits
    for the link at most, as time at the rate. `loss`, `duplicate`, `reorder`: probabilities; what is reordered comes `reorder_by` later."""

    rate: object = None
    delay: object = 0
    jitter: object = 0
    queue: object = "100ms"
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    reorder_by: object = "10ms"

    def words(self):
        """As the emulator takes it: bytes a second, microseconds."""
        rate = amount(self.rate, RATES) / 8 if self.rate else 0
        times = {name: round(amount(value, TIMES) * 1e6) for name, value in (("delay", self.delay), ("jitter", self.jitter), ("reorderby", self.reorder_by))}
        queue = max(4000, round(rate * amount(self.queue, TIMES)))
        if below := [name for name, value in {"rate": rate, **times}.items() if value < 0]:
            raise ValueError(f"{below[0]} is below zero")
        if self.rate and not rate:
            raise ValueError("a rate of nothing carries nothing: cut the link, or leave the rate out for no limit")
        for name in ("loss", "duplicate", "reorder"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}={getattr(self, name)} is no probability: from 0 to 1")
        values = {"rate": round(rate), "queue": queue, "loss": self.loss, "duplicate": self.duplicate, "reorder": self.reorder, **times}
        return [f"{name}={value}" for name, value in values.items()]
