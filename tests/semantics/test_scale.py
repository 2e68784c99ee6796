"""A million couplings cost no object each and little memory beyond the arrays."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from scale import make_chain, make_cut

MEASURE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from scale import compile_to_arrays, memory
work = compile_to_arrays(Path(sys.argv[2]), sys.argv[3])
Path("/proc/self/clear_refs").write_text("5")
resident, blocks = memory("VmRSS"), sys.getallocatedblocks()
couplings = work()
print(json.dumps([couplings, (memory("VmHWM") - resident) / 1024, sys.getallocatedblocks() - blocks]))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peak memory is read from Linux's /proc")
@pytest.mark.parametrize(("name", "make", "expected"), [("cut", make_cut, 1_000_000), ("chain", make_chain, 2**18 - 1)])
def test_memory_and_objects(name: str, make: object, expected: int, tmp_path: Path) -> None:
    make(tmp_path)
    benchmarks = str(Path(__file__).parents[2] / "benchmarks")
    command = [sys.executable, "-c", MEASURE, benchmarks, str(tmp_path), name]
    couplings, megabytes, objects = json.loads(
        subprocess.run(command, capture_output=True, text=True, check=True).stdout
    )
    assert couplings == expected
    assert megabytes <= 400
    # The grammar and the passes load on first use, a fixed number of objects; terms add none.
    assert objects < 0.2 * expected + 150_000
