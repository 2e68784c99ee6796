import torch
from torch import nn

model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))
inputs, targets = torch.ones(4, 3), torch.zeros(4, 2)
loss = nn.MSELoss()
