import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, x):
        x = torch.sin(self.layer(x))
        x = torch.relu(x)
        return x.sort(0).values


model = Net()
inputs, targets = torch.ones(4, 3), torch.zeros(4, 2)
loss = nn.MSELoss()
