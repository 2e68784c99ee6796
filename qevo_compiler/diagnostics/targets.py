"""Wording for circuits, targets and the files they emit (Q08xx)."""

from __future__ import annotations

from typing import ClassVar

from qevo_compiler.diagnostics.core import Error


class NoModel(Error):
    """A step below the Ising stage found no spin model, or more than one, in `@main`.

    `anneal-to-circuit`, the targets and the local backend all need exactly one `ising.model`. The named
    pipelines make it; a pipeline written by hand must hold `binary-to-spin` (or start from a module that
    has the model).
    """

    code: ClassVar[str] = "Q0801"
    title: ClassVar[str] = "`{where}` needs one `ising.model`, found {count}"
    help: ClassVar[str] = "run `binary-to-spin` first; `qevoc passes` shows what each pass leaves"

    where: str
    count: int


class NoCircuit(Error):
    """A circuit target got a module without a circuit.

    The pipeline `circuit` ends in `anneal-to-circuit,route-qubits,lower-gates`.
    """

    code: ClassVar[str] = "Q0802"
    title: ClassVar[str] = "target `{target}` needs one `gate.circuit`, found {count}"
    help: ClassVar[str] = "run `anneal-to-circuit` first, or use the target `dwave` for a spin model"

    target: str
    count: int


class BadTrotter(Error):
    """The number of layers, the order, the evolution time or the angles of `anneal-to-circuit` are out of range.

    Layers are at least 1, the order is 1 or 2, and the time is a positive number in units of one over
    the largest coefficient. A QAOA circuit has as many finite `gammas` as `betas`, one of each a layer.
    """

    code: ClassVar[str] = "Q0803"
    title: ClassVar[str] = "`anneal-to-circuit`: `{option}` cannot be {value}"
    help: ClassVar[str] = "it is {expected}"

    option: str
    value: str
    expected: str


class NotForward(Error):
    """A circuit starts in the ground state of the transverse field, so its schedule starts at s = 0.

    A schedule that starts elsewhere (reverse annealing starts at s = 1 from a classical state) has no
    circuit form here.
    """

    code: ClassVar[str] = "Q0804"
    title: ClassVar[str] = "a circuit cannot follow a schedule that starts at s = {start}"
    label: ClassVar[str] = "this schedule"
    help: ClassVar[str] = "start the schedule at (0, 0)"

    start: float


class CircuitTooWide(Error):
    """The model has more spins than the device has qubits."""

    code: ClassVar[str] = "Q0805"
    title: ClassVar[str] = "the circuit has {spins} qubits, the device {qubits}"
    help: ClassVar[str] = "use fewer or narrower variables, or a larger device"

    spins: int
    qubits: int


class BadCoupling(Error):
    """The option `coupling` of `route-qubits` lists pairs of qubits: `0:1:1:2` is a line of three.

    Pairs name qubits from 0 to `qubits` - 1, and the device's graph must be connected as far as the
    circuit needs it.
    """

    code: ClassVar[str] = "Q0806"
    title: ClassVar[str] = "`route-qubits`: {reason}"
    help: ClassVar[str] = "give an even number of qubits, pair by pair, joined by `:`"

    reason: str


class UnsupportedGate(Error):
    """The target's profile has no such gate; `lower-gates` with the right basis removes it."""

    code: ClassVar[str] = "Q0807"
    title: ClassVar[str] = "target `{target}` cannot express the gate `{gate}`"
    help: ClassVar[str] = "run `lower-gates{{basis={basis}}}` before it"

    target: str
    gate: str
    basis: str


class NoQubits(Error):
    """Nothing is left to decide: every variable was fixed, so there is no circuit to write.

    OpenQASM and Cirq have no program over zero qubits. The value of the objective is a constant.
    """

    code: ClassVar[str] = "Q0808"
    title: ClassVar[str] = "the program has no qubits"
    help: ClassVar[str] = "check that the problem has a variable that its objective or constraints use"


class NotOnDevice(Error):
    """The circuit breaks a rule of the device: a coupler that is missing, or a gate it does not have."""

    code: ClassVar[str] = "Q0809"
    title: ClassVar[str] = "the circuit does not fit {device}"
    note: ClassVar[str] = "{reason}"
    help: ClassVar[str] = "compile for `--target=cirq` with this device set, so that routing and gates follow it"

    device: str
    reason: str


class TooManyVariables(Error):
    """The model has more spins than the annealer's graph has qubits.

    Each spin needs at least one qubit, in dense models a chain of several. `n` fully connected spins
    need about n^2 / 10 qubits: the largest clique is 180 on Pegasus P16 and 184 on Zephyr Z12.
    """

    code: ClassVar[str] = "Q0810"
    title: ClassVar[str] = "{spins} spins do not fit the {qubits} qubits of {graph}"
    help: ClassVar[str] = "optimise a smaller block, or leave `embed` off and use a hybrid or classical sampler"

    spins: int
    qubits: int
    graph: str


class NoEmbedding(Error):
    """No embedding was found: the model's couplings do not fit the annealer's graph.

    The clique embedding serves every model up to the size of the largest clique; beyond it only sparse
    models fit, and those are searched for heuristically.
    """

    code: ClassVar[str] = "Q0811"
    title: ClassVar[str] = "found no embedding of {spins} spins with {couplings} couplings in {graph}"
    note: ClassVar[str] = (
        "any model of up to {clique} spins fits; beyond, only sparse ones of at most {limit} couplings"
    )
    help: ClassVar[str] = "drop weak couplings, optimise a smaller block, or leave `embed` off"

    spins: int
    couplings: int
    graph: str
    clique: int
    limit: int


class OutOfRange(Error):
    """A coefficient lies outside what the annealer programs.

    Advantage and Advantage2 take fields in [-4, 4] and couplings in [-1, 1]. `scale-coefficients` brings
    a model into range when its limits are set, which the target does when `embed` is set.
    """

    code: ClassVar[str] = "Q0812"
    title: ClassVar[str] = "a {what} of {value} is outside [-{limit}, {limit}]"
    help: ClassVar[str] = "run `scale-coefficients` with this limit; it divides the whole energy by one number"

    what: str
    value: float
    limit: float


class BadAnnealSchedule(Error):
    """The schedule breaks a rule of D-Wave's annealers.

    A forward schedule has 2 to 12 points, starts at (0, 0), ends at s = 1, never falls, lasts 0.5 to
    2000 microseconds, and rises by at most 2 per microsecond.
    """

    code: ClassVar[str] = "Q0813"
    title: ClassVar[str] = "the annealer cannot follow this schedule: {reason}"
    label: ClassVar[str] = "this schedule"
    help: ClassVar[str] = "{remedy}"

    reason: str
    remedy: str


class BadEmittedFile(Error):
    """A program file cannot be read back.

    The file was cut short, edited by hand, or written by another tool with constructs outside the
    profile that this compiler emits.
    """

    code: ClassVar[str] = "Q0815"
    title: ClassVar[str] = "cannot read the program's `{suffix}` file: {reason}"
    help: ClassVar[str] = "compile the source again"

    suffix: str
    reason: str


class BadManifest(Error):
    """`NAME.manifest.json` is not a manifest of this compiler, or not a whole one.

    The manifest lists a program's files with their SHA-256, its ledger, and its registers. Everything
    that reads a program folder starts from it.
    """

    code: ClassVar[str] = "Q0816"
    title: ClassVar[str] = "cannot read `{file}`: {reason}"
    help: ClassVar[str] = "compile the source again"

    file: str
    reason: str


class ManifestVersion(Error):
    """The manifest was written in another version of its format."""

    code: ClassVar[str] = "Q0817"
    title: ClassVar[str] = "`{file}` has version {found}; this compiler reads version {known}"
    help: ClassVar[str] = "compile the source again with this compiler, or use the one that wrote it"

    file: str
    found: str
    known: int


class FileChanged(Error):
    """A program file differs from what its manifest lists: it was edited, swapped or damaged."""

    code: ClassVar[str] = "Q0818"
    title: ClassVar[str] = "`{file}` differs from what its manifest lists"
    help: ClassVar[str] = "compile the source again"

    file: str


class NoLayers(Error):
    """Angles can be left open in circuits that turn an energy and mix in layers; this one is of another kind.

    A solver of linear systems has angles that belong to its own arithmetic: they are not parameters of the program.
    """

    code: ClassVar[str] = "Q0819"
    title: ClassVar[str] = "a circuit with the gate `{gate}` has no layers whose angles could stay open"
    help: ClassVar[str] = "leave out the option `symbolic`"

    gate: str
