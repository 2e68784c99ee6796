"""A small convolutional net with a residual block, on the digits data: a plain PyTorch file.

Its layers are those of larger nets: convolutions, batch norm, a residual sum, average pooling.
"""

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn.functional import relu

torch.set_num_threads(1)  # the same weights on any number of cores
torch.manual_seed(0)

digits = load_digits()
pixels = torch.tensor(digits.images / 16.0, dtype=torch.float32).unsqueeze(1)
labels = torch.tensor(digits.target)
train, test = train_test_split(torch.arange(len(labels)), test_size=0.25, random_state=0, stratify=digits.target)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1)
        self.pool = nn.AvgPool2d(2)
        self.head = nn.Linear(8 * 4 * 4, 10)

    def forward(self, images):
        x = relu(self.norm(self.conv1(images)))
        x = self.pool(x + relu(self.conv2(x)))
        return self.head(x.flatten(1))


model = Net()
loss = nn.CrossEntropyLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)

for _epoch in range(5):
    for rows in train[torch.randperm(len(train))].split(64):
        optimizer.zero_grad()
        loss(model(pixels[rows]), labels[rows]).backward()
        optimizer.step()

model.eval()
inputs, targets = pixels[train[:128]], labels[train[:128]]
evaluation = pixels[test], labels[test]

if __name__ == "__main__":
    with torch.no_grad():
        accuracy = (model(evaluation[0]).argmax(1) == evaluation[1]).float().mean()
    print(f"held-out accuracy {accuracy:.3f}")
