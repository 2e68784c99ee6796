from pathlib import Path

import numpy as np

from qevo_compiler.dialects import nn, problem
from qevo_compiler.ir import Array, Builder, Module, print_module
