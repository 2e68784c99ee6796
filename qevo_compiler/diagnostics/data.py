"""Wording for data: files, literals and values given by the caller (Q03xx)."""

from __future__ import annotations

from typing import ClassVar

from qevo_compiler.diagnostics.core import Error, counted
from qevo_compiler.diagnostics.language.shapes import show_shape


class MissingFile(Error):
    """A data file does not exist. Paths are relative to the program's folder.

    Bad:   data d: real[n, n] from "distance.npy"
    Good:  data d: real[n, n] from "distances.npy"
    """

    code: ClassVar[str] = "Q0301"
    title: ClassVar[str] = "there is no file `{path}`"
    label: ClassVar[str] = "looked for beside the program"
    help: ClassVar[str] = "{suggestion}"

    path: str
    suggestion: str


class OutsideFolder(Error):
    """A data file lies outside the program's folder.

    A program reads only files below its own folder, so that running somebody's program cannot read
    your other files. Copy the file there, or hand the array in by name from Python.

    Bad:   data d: real[n] from "../other/d.npy"
    Good:  data d: real[n] from "d.npy"
    """

    code: ClassVar[str] = "Q0302"
    title: ClassVar[str] = "`{path}` lies outside the program's folder"
    label: ClassVar[str] = "not below the program's folder"
    help: ClassVar[str] = "copy the file there, or hand the data in by name"

    path: str


class UnreadableFile(Error):
    """A data file exists and cannot be read: it is damaged, cut short, or of another kind.

    `.npy` and `.npz` are NumPy's (without pickled objects), `.csv` holds rows of numbers separated by
    commas and no header, `.json` holds one number or nested lists of numbers.
    """

    code: ClassVar[str] = "Q0303"
    title: ClassVar[str] = "cannot read `{path}`: {reason}"

    path: str
    reason: str


class UnknownFileType(Error):
    """Data files are `.npy`, `.npz`, `.csv` or `.json`."""

    code: ClassVar[str] = "Q0304"
    title: ClassVar[str] = "`{path}` is no data file"
    help: ClassVar[str] = "data files are `.npy`, `.npz:key`, `.csv` and `.json`"

    path: str


class MissingKey(Error):
    """An `.npz` file holds several arrays, and none of the name asked for.

    Bad:   data w: real[m] from "graph.npz"
    Good:  data w: real[m] from "graph.npz:w"
    """

    code: ClassVar[str] = "Q0305"
    title: ClassVar[str] = "{wanted} in `{path}`"
    note: ClassVar[str] = "it holds {keys}"
    help: ClassVar[str] = "{suggestion}"

    path: str
    wanted: str
    keys: str
    suggestion: str


class NotFiniteData(Error):
    """Data hold NaN or infinity, with which no problem can be stated."""

    code: ClassVar[str] = "Q0306"
    title: ClassVar[str] = "`{name}` holds {value}"
    label: ClassVar[str] = "at {position}"
    help: ClassVar[str] = "every number has to be finite"

    name: str
    value: str
    position: str


class NotNumbers(Error):
    """Data hold something that is no real number, such as text or complex numbers."""

    code: ClassVar[str] = "Q0307"
    title: ClassVar[str] = "`{name}` does not hold numbers"
    label: ClassVar[str] = "it holds {found}"

    name: str
    found: str


class WrongRank(Error):
    """Data have another number of axes than declared.

    Bad:   data w: real[n] = [[1, 2], [3, 4]]
    Good:  data w: real[n, m] = [[1, 2], [3, 4]]
    """

    code: ClassVar[str] = "Q0308"
    title: ClassVar[str] = "`{name}` has {found}, declared with {declared}"
    label: ClassVar[str] = "the number of axes differs"
    help: ClassVar[str] = "write {example}"

    name: str
    rank: int
    shape: tuple[int, ...]

    @property
    def found(self) -> str:
        return show_shape(self.shape)

    @property
    def declared(self) -> str:
        return "no axes" if self.rank == 0 else "1 axis" if self.rank == 1 else f"{self.rank} axes"

    @property
    def example(self) -> str:
        sizes = f"[{', '.join(map(str, self.shape))}]" if self.shape else " without `[...]`"
        return f"the shape as {sizes}" if self.shape else f"the type{sizes}"


class WrongShape(Error):
    """An axis of data is longer or shorter than declared.

    Bad:   data w: real[3] = [1, 2]
    Good:  data w: real[2] = [1, 2]
    """

    code: ClassVar[str] = "Q0309"
    title: ClassVar[str] = "axis {axis} of `{name}` has {elements}, declared with {expected}"
    label: ClassVar[str] = "this is {expected}"

    name: str
    axis: int
    expected: int
    found: int

    @property
    def elements(self) -> str:
        return counted(self.found, "element")


class NotWholeNumbers(Error):
    """Data declared `int` hold a number that is not whole, or one beyond 64 bits.

    Bad:   data w: int[2] = [1, 2.5]
    Good:  data w: real[2] = [1, 2.5]
    """

    code: ClassVar[str] = "Q0310"
    title: ClassVar[str] = "`{name}` is declared `int` and holds {value}"
    label: ClassVar[str] = "at {position}"
    help: ClassVar[str] = "declare it `real`, or round the data"

    name: str
    value: str
    position: str


class NotTruthValues(Error):
    """Data declared `bool` hold something besides true, false, 0 and 1."""

    code: ClassVar[str] = "Q0311"
    title: ClassVar[str] = "`{name}` is declared `bool` and holds {value}"
    label: ClassVar[str] = "at {position}"

    name: str
    value: str
    position: str


class NoData(Error):
    """Data are declared without a value, and none was handed in.

    Bad:   data w: real[n]
    Good:  data w: real[n] = [1, 2]
    """

    code: ClassVar[str] = "Q0312"
    title: ClassVar[str] = "`{name}` has no value"
    label: ClassVar[str] = "declared without `=` or `from`"
    help: ClassVar[str] = 'write `= [...]` or `from "FILE"`, or hand the data in by name'

    name: str


class UnknownData(Error):
    """Data were handed in under a name that the program does not declare."""

    code: ClassVar[str] = "Q0313"
    title: ClassVar[str] = "the program has no data `{name}`"
    note: ClassVar[str] = "{suggestion}"
    help: ClassVar[str] = "{known}"

    name: str
    suggestion: str
    known: str


class NoFolder(Error):
    """A program that is given as text has no folder to read data files from."""

    code: ClassVar[str] = "Q0314"
    title: ClassVar[str] = "`{path}` cannot be found: the program is no file"
    label: ClassVar[str] = "relative to which folder?"
    help: ClassVar[str] = "save the program to a file, or hand the data in by name"

    path: str


class UnevenRows(Error):
    """The rows of an array have different lengths.

    Bad:   data d: int[2, 2] = [[1, 2], [3]]
    Good:  data d: int[2, 2] = [[1, 2], [3, 4]]
    """

    code: ClassVar[str] = "Q0315"
    title: ClassVar[str] = "the rows of `{name}` differ in length"
    label: ClassVar[str] = "every row needs as many entries as the others"

    name: str
