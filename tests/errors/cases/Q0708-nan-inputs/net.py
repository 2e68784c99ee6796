import torch
from torch import nn

model = nn.Linear(3, 2)
inputs, targets = torch.ones(4, 3), torch.zeros(4, 2)
loss = nn.MSELoss()
inputs[2, 1] = float("nan")
