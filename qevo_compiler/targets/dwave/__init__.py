"""D-Wave: a binary quadratic model with its anneal schedule, optionally embedded in a QPU's graph.

Files: `bqm.json` (dimod's serialisable form), `bqm` (dimod's own file), `schedule.json` (sampler
parameters) and, with `embed`, `embedding.json`.
"""

from qevo_compiler.targets.dwave.bqm import to_dimod
from qevo_compiler.targets.dwave.target import DWave
from qevo_compiler.targets.dwave.topology import Topology

__all__ = ["DWave", "Topology", "to_dimod"]
