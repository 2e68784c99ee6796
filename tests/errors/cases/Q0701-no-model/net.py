import torch
from torch import nn

net = nn.Linear(3, 2)
inputs, targets = torch.ones(4, 3), torch.zeros(4, 2)
loss = nn.MSELoss()
