"""Wording for model files and the parts that they state (Q07xx)."""

from __future__ import annotations

from typing import ClassVar

from qevo_compiler.diagnostics.core import Error


class ModelFileLacks(Error):
    """A Python file does not define everything that the compiler reads from it.

    It states either one `Problem` (of several the one called `problem`) or a model. A model file is a plain
    PyTorch file that needs no import of ours. At its top level it defines `model` (an `nn.Module`), `inputs`
    and `targets` (the batch that the loss is taken over), and `loss`, called as
    `loss(model(inputs), targets)`. It may define `optimizer` (a `torch.optim` instance, whose
    hyper-parameters are read) and `evaluation` (a held-out pair of inputs and targets).

    Bad:   net = nn.Linear(4, 2)
    Good:  model = nn.Linear(4, 2)
           inputs, targets = torch.randn(8, 4), torch.arange(8) % 2
           loss = nn.CrossEntropyLoss()

    Code below `if __name__ == "__main__":` does not run when the compiler reads the file.
    """

    code: ClassVar[str] = "Q0701"
    title: ClassVar[str] = "`{file}` defines no {missing}"
    note: ClassVar[str] = "{suggestion}"
    help: ClassVar[str] = "a file defines a `Problem`, or `model`, `inputs`, `targets` and `loss`, at its top level"

    file: str
    missing: str
    suggestion: str


class ModelFileFailed(Error):
    """Running the model file raised an exception.

    A `.py` model is run to obtain the model and its data: in its own folder, in one thread, without
    touching its random seeds. The line shown is the innermost one of the user's own files.
    """

    code: ClassVar[str] = "Q0702"
    title: ClassVar[str] = "`{file}` raised {exception}"
    label: ClassVar[str] = "{reason}"
    help: ClassVar[str] = "run it with `python {file}` to see the whole traceback"

    file: str
    exception: str
    reason: str


class WrongModelPart(Error):
    """A part of a model file, or an argument of `compile`, is not of the kind that it has to be.

    `model` is an `nn.Module` with real parameters; `inputs` is a tensor, a tuple of tensors (forward's
    arguments) or a dictionary of tensors (its keyword arguments); `targets` is a tensor, or a tuple or
    dictionary of tensors; `loss` is called with the model's outputs and the targets; `optimizer` is a
    `torch.optim` instance; `evaluation` is a pair of inputs and targets.

    Bad:   inputs = DataLoader(dataset, batch_size=64)
    Good:  inputs, targets = next(iter(DataLoader(dataset, batch_size=64)))
    """

    code: ClassVar[str] = "Q0703"
    title: ClassVar[str] = "`{part}` is {found}"
    label: ClassVar[str] = "expected {expected}"
    help: ClassVar[str] = "`{part}` has to be {expected}"

    part: str
    found: str
    expected: str


class StateMismatch(Error):
    """New weights, or a file of them, do not fit the model: an unknown name or another shape."""

    code: ClassVar[str] = "Q0714"
    title: ClassVar[str] = "`{symbol}` does not fit the model: {reason}"
    note: ClassVar[str] = "{suggestion}"
    help: ClassVar[str] = "use the names and shapes of the model's `state_dict()`"

    symbol: str
    reason: str
    suggestion: str
