import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

model = nn.Linear(3, 2)
inputs = DataLoader(TensorDataset(torch.ones(8, 3), torch.zeros(8, 2)), batch_size=4)
loss = nn.MSELoss()
