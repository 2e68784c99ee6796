"""A net too deep to expand: 2-2-2-1 with squares, whose step of training has degree 13 in its 15 weights.

With activations as state (`docs/carleman.md` 6) a step is eight quadratic sub-steps, and what is cut off above the
order is the same as if the step had been expanded. The four points are those of exclusive or.

    qevoc run examples/deep_squares.py --task=linearize         the lifted training beside torch's optimizer
    qevoc compile examples/deep_squares.py --target=resources   what solving that system would cost
"""

import torch
from torch import nn

torch.manual_seed(1)
REAL = torch.float64


class Square(nn.Module):
    def forward(self, z):
        return z**2


model = nn.Sequential(nn.Linear(2, 2), Square(), nn.Linear(2, 2), Square(), nn.Linear(2, 1)).to(REAL)
inputs = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=REAL)
targets = torch.tensor([[0], [1], [1], [0]], dtype=REAL)
loss = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, weight_decay=0.01)
linearize = {"steps": 20, "order": 2, "reupload": 4}
