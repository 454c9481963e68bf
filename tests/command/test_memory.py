"""A server that has held much gives it back, as far as the C library lets it."""

import ctypes
import subprocess
import sys

import pytest

PAGES = 60
MUCH_MEGABYTES = 20
HOLDS = f"""
import sys
from pathlib import Path
from server.command.memory import give_large_blocks_back

def rss():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

if sys.argv[1] == "gives":
    give_large_blocks_back()
before = rss()
del (huge := [bytearray(b"x" * (16 << 20))])[:]
stays, goes = [], []
for number in range({PAGES}):
    goes.append(bytearray(b"x" * (1 << 20)))
    stays.append(bytearray(b"x" * 2000))
del goes
print((rss() - before) >> 20)
"""


def _kept_megabytes(how: str) -> int:
    return int(subprocess.check_output([sys.executable, "-c", HOLDS, how], text=True))


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="it is a habit of glibc's"
)
def test_large_blocks_go_back_to_the_system_even_when_something_small_lies_between_them() -> None:
    assert _kept_megabytes("keeps") > MUCH_MEGABYTES
    assert _kept_megabytes("gives") < MUCH_MEGABYTES / 4
