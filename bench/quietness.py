"""Whether other programs use the processor while we measure, and waiting until they do not."""

import os
import time
from pathlib import Path

FACTS = Path("/proc/stat")  # Linux; elsewhere nothing is known, and nothing is waited for
QUIET_CORES = 0.15  # others may use so much of all cores together
LOOK_SECONDS = 0.25


def busy_seconds() -> float | None:
    """Processor seconds used by everybody since the start, the hypervisor included."""
    if not FACTS.is_file():
        return None
    user, nice, system, _, _, irq, softirq, steal = map(
        int, FACTS.read_text("ascii").split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


class Watch:
    """Counts what others use from now on."""

    def __init__(self) -> None:
        self._start, self._busy = time.perf_counter(), busy_seconds()

    def cores_of_others(self, ours: float) -> float:
        """Say how many cores others kept busy since the start.

        Args:
            ours: processor seconds that we used ourselves.
        """
        busy = busy_seconds()
        if busy is None or self._busy is None:
            return 0.0
        spent = time.perf_counter() - self._start
        return max(0.0, (busy - self._busy - ours) / spent)


def wait_for_quiet(most_seconds: float) -> bool:
    """Wait until others rest; says whether they do."""
    end = time.perf_counter() + most_seconds
    while True:
        watch = Watch()
        time.sleep(LOOK_SECONDS)
        if watch.cores_of_others(0.0) <= QUIET_CORES:
            return True
        if time.perf_counter() >= end:
            return False
