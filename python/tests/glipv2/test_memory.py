from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

PYTHON = Path(__file__).parents[2]

PROGRAM = """
import resource
import torch
from glipv2.ops.memory import keep_freed

torch.set_num_threads(1)
print(keep_freed())
def layer():
    [torch.ones(1 << 21) for _ in range(8)]


for _ in range(5):
    layer()
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    layer()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults)
"""


GIVING_BACK = """
import resource
import torch
from glipv2.ops.memory import give_back, keep_freed


def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()


keep_freed()
[torch.ones(1 << 21) for _ in range(8)]
before = resident()
print(give_back(), before - resident())
"""


def printed(program: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", program], cwd=PYTHON, check=True, capture_output=True, text=True)
    return done.stdout.split()


def test_freed_pages_are_used_again() -> None:
    kept, faults = printed(PROGRAM)
    if platform.libc_ver()[0] == "glibc":
        assert kept == "True"
        # 20 layers of 16,384 pages each are 327,680 where the library gives them back, which it mostly does.
        assert int(faults) < 1000
    else:
        assert kept == "False"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the GNU C library is not what is here")
def test_kept_pages_are_given_back() -> None:
    given, freed = printed(GIVING_BACK)
    assert given == "True"
    assert int(freed) > 60 * 2**20  # of 8 blocks of 8 MiB
