"""One tanh unit with a polynomial in its place, as a plain PyTorch file: example d1 of `docs/carleman.md`.

Three points, two weights, gradient descent with weight decay. The activation z - z^3 / 3 makes the loss a polynomial of
the weights, so that training can be written as a linear system of chosen order:

    qevoc compile examples/tanh_unit.py --target=resources      what solving that system would cost
    python examples/tanh_unit.py                                its error at every order, beside tanh itself
"""

import torch
from torch import nn

REAL = torch.float64


class Cubic(nn.Module):
    """The beginning of the series of tanh."""

    def forward(self, z):
        return z - z**3 / 3


class Unit(nn.Module):
    """activation(w x + b)"""

    def __init__(self, activation):
        super().__init__()
        self.w = nn.Parameter(torch.tensor(0.1, dtype=REAL))
        self.b = nn.Parameter(torch.tensor(0.05, dtype=REAL))
        self.activation = activation

    def forward(self, x):
        return self.activation(self.w * x + self.b)


def loss(outputs, targets):
    return ((outputs - targets) ** 2).mean() / 2


def descent(unit):
    """The optimizer of all examples d."""
    return torch.optim.SGD(unit.parameters(), lr=0.2, weight_decay=0.05)


model = Unit(Cubic())
inputs = torch.tensor([0.5, -0.4, 0.8], dtype=REAL)
targets = torch.tensor([0.3, -0.2, 0.45], dtype=REAL)
optimizer = descent(model)
linearize = {"steps": 30, "order": 5, "pivot": "origin"}


def trained(unit):
    """The two weights after torch's own training."""
    steps = descent(unit)
    for _ in range(linearize["steps"]):
        steps.zero_grad()
        loss(unit(inputs), targets).backward()
        steps.step()
    return torch.stack([unit.w, unit.b]).detach().numpy()


def errors(orders=(1, 2, 3, 5, 7, 9)):
    """The lifted weights after training, by order."""
    from qevo_compiler.analyses.carleman.lift import lift_of_op, propagate
    from qevo_compiler.dialects import linear
    from qevo_compiler.driver import lower_linear

    found = {}
    for order in orders:
        asked = {**linearize, "order": order}
        given = {"optimizer": optimizer, "linearize": asked, "until": "carleman-truncation"}
        module = lower_linear(Unit(Cubic()), inputs, targets, loss, **given)
        lifted = lift_of_op(module.main.only(linear.LiftOp))
        found[order] = propagate(lifted, lifted.initial, lifted.steps)[-1, lifted.first_block]
    return found


def main():
    import numpy as np

    direct, true = trained(Unit(Cubic())), trained(Unit(nn.Tanh()))
    print(f"descent itself          {direct}")
    print(f"with tanh               {true}  activation error {np.linalg.norm(direct - true):.4e}")
    for order, weights in errors().items():
        print(f"lifted to order {order:<7} {weights}  truncation error {np.linalg.norm(weights - direct):.4e}")


if __name__ == "__main__":
    main()
