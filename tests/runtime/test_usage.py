"""The most memory that was in use: asked for seldom, and right."""

import random

from lazytensor.runtime.gpu.usage import Peak


def test_the_peak_is_that_of_all_moments() -> None:
    rng, peak, live, most, asked = random.Random(0), Peak(), [0], 0, 0

    def used() -> int:
        nonlocal asked
        asked += 1
        return sum(live)

    for _ in range(4000):
        while len(live) > rng.randrange(1, 40):
            live.pop(rng.randrange(len(live)))
        live.append(rng.randrange(1, 100))
        peak.taken(live[-1], used, 7)
        most = max(most, sum(live))
    assert (peak.used, peak.held) == (most, 7)
    assert asked < 400
    peak.now(5, 3)
    peak.taken(2, lambda: 6, 2)
    assert (peak.used, peak.held) == (6, 3)
