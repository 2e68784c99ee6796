import torch

model = torch.nn.Linear(2, 1)
inputs, targets = torch.ones(3, 2), torch.zeros(3, 1)
loss = torch.nn.MSELoss()
