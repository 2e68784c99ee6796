"""Wording for what a traced model does that cannot be compiled (Q07xx)."""

from __future__ import annotations

from typing import ClassVar

from qevo_compiler.diagnostics.core import Error, Warn, counted


class UnsupportedOp(Error):
    """The model uses an operation that has no counterpart in the compiler's tensor ops.

    Every unsupported operation of a model is listed in one run, each with the line that used it.
    What is supported: linear and convolutional layers, batch norm with stored statistics, layer norm,
    pooling by average and maximum, arithmetic with broadcasting, whole powers, the usual activations,
    comparisons, maxima, softmax, sums, means, products, matrix products, layout changes, indexing by data,
    and the usual losses. Anything may be done to data that depends on no parameter.

    Bad:   x = torch.sin(x)
    Good:  x = x - x**3 / 6
    """

    code: ClassVar[str] = "Q0704"
    title: ClassVar[str] = "`{op}` is not supported"
    label: ClassVar[str] = "{reason}"
    note: ClassVar[str] = "{supported}"
    help: ClassVar[str] = "{hint}"

    op: str
    reason: str
    supported: str
    hint: str


class TrainingBatchNorm(Error):
    """A batch norm uses the statistics of the batch at hand.

    Models are compiled in evaluation mode, where a batch norm uses its stored statistics. A layer with
    `track_running_stats=False` has none, and `F.batch_norm(..., training=True)` ignores them.

    Bad:   nn.BatchNorm2d(8, track_running_stats=False)
    Good:  nn.BatchNorm2d(8)      # and run some batches in training mode first
    """

    code: ClassVar[str] = "Q0705"
    title: ClassVar[str] = "a batch norm uses the statistics of its batch"
    label: ClassVar[str] = "this normalises by batch statistics"
    help: ClassVar[str] = "use stored statistics: `track_running_stats=True`, and no `training=True`"


class MutatedBuffers(Error):
    """The forward pass writes to a buffer or to its inputs, so its result depends on earlier calls.

    Bad:   self.calls += 1            # self.calls is a buffer
    Good:  if self.training: self.calls += 1
    """

    code: ClassVar[str] = "Q0706"
    title: ClassVar[str] = "the forward pass changes {names}"
    note: ClassVar[str] = "a compiled loss is a function of the parameters alone"
    help: ClassVar[str] = "update it only in training mode, or compute a new tensor instead"

    names: str


class GradientMismatch(Error):
    """The imported model does not agree with the model itself.

    At every import the loss and the gradient of what was imported are compared with eager autograd in
    double precision on the batch given. This stops a compilation that would optimise something else.
    Causes on the model's side: randomness in the forward pass, a custom `autograd.Function` whose
    backward is not the derivative of its forward, a `detach`, or a value that sits exactly on a kink.
    """

    code: ClassVar[str] = "Q0707"
    title: ClassVar[str] = "the imported model and eager PyTorch disagree about {what}"
    note: ClassVar[str] = "relative difference {error}, at most {tolerance} is accepted"
    help: ClassVar[str] = (
        "look for randomness, `detach`, or a custom backward in the model; "
        "if there is none, please report the model as a bug of the compiler"
    )

    what: str
    error: str
    tolerance: str


class NonFiniteTensor(Error):
    """A parameter, a buffer, the inputs, the targets or the loss hold NaN or an infinity.

    Bad:   inputs = torch.tensor([[1.0, float("nan")]])
    Good:  inputs = torch.nan_to_num(raw)
    """

    code: ClassVar[str] = "Q0708"
    title: ClassVar[str] = "`{symbol}` is not finite"
    label: ClassVar[str] = "NaN or infinity comes from here"
    note: ClassVar[str] = "{found}"
    help: ClassVar[str] = "clean the data, or train with a smaller step"

    symbol: str
    count: int
    size: int
    position: str

    @property
    def found(self) -> str:
        if self.size == 1:
            return ""
        return f"NaN or infinite: {counted(self.count, 'value')} of {self.size:,}, the first at {self.position}"


class DynamicShape(Error):
    """A shape or a branch in the model depends on values that are only known when it runs.

    The compiled program is one straight line of tensor operations of fixed shapes.

    Bad:   x = x[x > 0]
    Good:  x = torch.relu(x)
    """

    code: ClassVar[str] = "Q0709"
    title: ClassVar[str] = "the model's shapes or branches depend on its values"
    label: ClassVar[str] = "this is decided by the values of a tensor"
    note: ClassVar[str] = "{reason}"
    help: ClassVar[str] = "use arithmetic in place of selecting or branching by value"

    reason: str


class CaptureFailed(Error):
    """Calling the model or its loss on the example batch failed, or PyTorch could not export it.

    The compiler calls `loss(model(inputs), targets)` on a copy of the model in double precision and
    evaluation mode. Shapes have to fit, integer targets belong to classification losses, and the
    model should not force `float32` on parts of its computation.
    """

    code: ClassVar[str] = "Q0710"
    title: ClassVar[str] = "cannot capture {part}: {exception}"
    label: ClassVar[str] = "{reason}"
    note: ClassVar[str] = "{detail}"
    help: ClassVar[str] = "check that `loss(model(inputs), targets)` runs with the batch given, in double precision"

    part: str
    exception: str
    reason: str
    detail: str


class LossNotScalar(Error):
    """The loss returns something other than one real number.

    Bad:   loss = nn.CrossEntropyLoss(reduction="none")
    Good:  loss = nn.CrossEntropyLoss()
    """

    code: ClassVar[str] = "Q0711"
    title: ClassVar[str] = "the loss returns {found}"
    label: ClassVar[str] = "expected one real number"
    help: ClassVar[str] = "reduce it with `.mean()` or `.sum()`"

    found: str


class NoParameters(Error):
    """The loss depends on no trainable parameter, so there is nothing to decide.

    Parameters with `requires_grad=False` count as data.
    """

    code: ClassVar[str] = "Q0712"
    title: ClassVar[str] = "the loss depends on no trainable parameter"
    help: ClassVar[str] = "set `requires_grad` on the weights to be trained or rounded, and use them in the loss"


class RandomOp(Error):
    """The model draws random numbers while it runs.

    Dropout layers are off, since models are compiled in evaluation mode; `F.dropout(x)` without
    `training=self.training` is not.

    Bad:   x = F.dropout(x, 0.1)
    Good:  x = F.dropout(x, 0.1, training=self.training)
    """

    code: ClassVar[str] = "Q0713"
    title: ClassVar[str] = "`{op}` is random"
    label: ClassVar[str] = "this draws random numbers"
    help: ClassVar[str] = "draw them once, outside of the model, or only in training mode"

    op: str


class LossReadsModel(Error):
    """The loss reads trainable tensors that the compiler cannot follow to a parameter of the model.

    A loss is a function of outputs, targets and the model's parameters; it may read these from `model` whenever
    it is called. The compiler works on a copy of the model, so tensors that were taken out of it beforehand, and
    trainable ones that belong to no model, would count as constant.

    Bad:   weights = list(model.parameters())
           loss = lambda outputs, targets: mse(outputs, targets) + sum(w.square().sum() for w in weights)
    Good:  loss = lambda outputs, targets: mse(outputs, targets) + sum(w.square().sum() for w in model.parameters())
    """

    code: ClassVar[str] = "Q0715"
    title: ClassVar[str] = "the loss reads trainable tensors that are not reached through `model`"
    label: ClassVar[str] = "this depends on them"
    help: ClassVar[str] = (
        "read them from `model` inside of the loss, make them parameters of the model, or `detach` what is constant"
    )


class TrainingMode(Warn):
    """The model is in training mode, where some of its layers do something else than in evaluation mode.

    Models are compiled in evaluation mode: dropout is off, and a batch norm uses its stored statistics. The loss
    that is compiled and reported is therefore not the one that the model has in training mode.

    Bad:   model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(), nn.Linear(8, 2))
    Good:  model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(), nn.Linear(8, 2)).eval()
    """

    code: ClassVar[str] = "Q0716"
    title: ClassVar[str] = "the model is in training mode, and is compiled in evaluation mode"
    label: ClassVar[str] = "this is in training mode"
    note: ClassVar[str] = "{changes}"
    help: ClassVar[str] = "call `model.eval()` to have the same loss in your own code"

    changes: str
