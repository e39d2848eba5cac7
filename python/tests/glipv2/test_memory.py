from __future__ import annotations

import platform
import subprocess
import sys

PROGRAM = """
import resource
import sys
import torch
from glipv2.ops.memory import keep_freed

torch.set_num_threads(1)
if sys.argv[1] == "keep":
    print(keep_freed())
for _ in range(3):
    torch.ones(1 << 22)
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    torch.ones(1 << 22)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults)
"""


def run(how: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", PROGRAM, how], check=True, capture_output=True, text=True)
    return done.stdout.split()


def test_freed_pages_are_used_again() -> None:
    if platform.libc_ver()[0] == "glibc":
        kept, faults = run("keep")
        assert kept == "True"
        assert int(faults) < 100 < int(run("give back")[0])
    else:
        assert run("keep")[0] == "False"
