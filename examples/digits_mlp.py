"""A small classifier of handwritten digits: a plain PyTorch file.

It trains for a moment when it is run or compiled. `inputs` and `targets` are the batch that a compiler
of this file works with; `evaluation` is held out from training.
"""

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn.functional import relu

torch.set_num_threads(1)  # fastest for a net of this size, and the same weights on any number of cores
torch.manual_seed(0)

digits = load_digits()
pixels = torch.tensor(digits.data / 16.0, dtype=torch.float32)
labels = torch.tensor(digits.target)
train, test = train_test_split(torch.arange(len(labels)), test_size=0.25, random_state=0, stratify=digits.target)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 48)
        self.fc2 = nn.Linear(48, 32)
        self.fc3 = nn.Linear(32, 10)

    def forward(self, x):
        x = relu(self.fc1(x))
        x = relu(self.fc2(x))
        return self.fc3(x)


model = Net()
loss = nn.CrossEntropyLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)

for _epoch in range(30):
    for rows in train[torch.randperm(len(train))].split(64):
        optimizer.zero_grad()
        loss(model(pixels[rows]), labels[rows]).backward()
        optimizer.step()

inputs, targets = pixels[train[:512]], labels[train[:512]]
evaluation = pixels[test], labels[test]

if __name__ == "__main__":
    with torch.no_grad():
        accuracy = (model(evaluation[0]).argmax(1) == evaluation[1]).float().mean()
    print(f"held-out accuracy {accuracy:.3f}")
