"""Wording for running programs (Q085x)."""

from __future__ import annotations

from typing import ClassVar

from qevo_compiler.diagnostics.core import Error


class UnknownBackend(Error):
    """`--backend` or `QUANTUM_BACKEND` names no backend.

    The backends are `local`, `dwave`, `ibm` and `google`; `local` needs no account and no network.
    """

    code: ClassVar[str] = "Q0850"
    title: ClassVar[str] = "unknown backend `{backend}`"
    note: ClassVar[str] = "{suggestion}"
    help: ClassVar[str] = "the backends are local, dwave, ibm and google"

    backend: str
    suggestion: str


class NoSubmission(Error):
    """This version writes programs for the machine but does not submit them.

    The emitted file is what the vendor's own client takes, and that client asks for the account: D-Wave's and IBM's
    for an API token (IBM also for an instance), Google's for a Cloud project and application default credentials.
    Nothing here reads a key.
    """

    code: ClassVar[str] = "Q0852"
    title: ClassVar[str] = "backend `{backend}`: this version does not submit programs"
    note: ClassVar[str] = "compile with `--target={target}` and hand `{file}` to {client}, which needs {account}"
    help: ClassVar[str] = "run with `--backend=local` to sample here"

    backend: str
    target: str
    file: str
    client: str
    account: str


class TooManyQubits(Error):
    """A state vector of n qubits holds 2^n complex numbers; the local simulator stops at its limit.

    Use the target `dwave`, whose local sampler anneals classically and has no such limit.
    """

    code: ClassVar[str] = "Q0853"
    title: ClassVar[str] = "a circuit of {qubits} qubits is too wide to simulate; the limit is {limit}"
    help: ClassVar[str] = "compile for `--target=dwave`: the local annealer has no such limit"

    qubits: int
    limit: int


class TooManySpins(Error):
    """Exact enumeration visits 2^n states and stops at its limit."""

    code: ClassVar[str] = "Q0854"
    title: ClassVar[str] = "{spins} spins are too many to enumerate; the limit is {limit}"
    help: ClassVar[str] = "leave `exact` off: the annealer samples instead"

    spins: int
    limit: int


class BadSampling(Error):
    """The number of reads or sweeps, the seed, or the starting states cannot be used."""

    code: ClassVar[str] = "Q0855"
    title: ClassVar[str] = "`{option}` cannot be {value}"
    help: ClassVar[str] = "it is {expected}"

    option: str
    value: str
    expected: str


class BadCounts(Error):
    """Counts of bit strings do not fit the program that they are decoded with.

    `decode_counts` takes what hardware reports: a dictionary from bit strings to how often each was measured. A string
    has one character, 0 or 1, for every bit that the circuit measures.
    """

    code: ClassVar[str] = "Q0856"
    title: ClassVar[str] = "the counts do not fit the program: {found}"
    help: ClassVar[str] = "give strings of {bits} characters, each with a whole number of shots; see `decode_counts`"

    found: str
    bits: int
