"""What the canonical layout looks like."""

from __future__ import annotations

import pytest

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.grammar import format_program

from .helpers import source

UNTIDY = """\
# a file


program   p   # named


#data
data   w:int [ n ]=[ 1,2 ,3, ]   # three
data m : real[2,2] = [
[1,2e0], # first row

      [3 ,  4.50],
   ]


   var x : binary [n]
minimize sum( (w [i]*x[ i ]) for i in 0 .. n if (i!=2)) + ( 3 ) - - x [ 0 ] ** 1
      # the rules
subject   to
# soft
   fits[ i ] :  ( x [ i ]+1 ) * 2<=( sum(
   x[ 1 :], # from one
     x[0]
   ))  for i in 0..n   weight (2+1)

   # last
# done
""".replace(" ** ", " ^ ")

TIDY = """\
# a file

program p  # named

#data
data w: int[n] = [1, 2, 3]  # three
data m: real[2, 2] = [
  [1, 2e0],  # first row
  [3, 4.50],
]

var x: binary[n]
minimize sum(w[i] * x[i] for i in 0..n if i != 2) + 3 - -x[0]^1
# the rules
subject to
  # soft
  fits[i]: (x[i] + 1) * 2 <= (sum(
    x[1:],  # from one
    x[0]
  )) for i in 0..n weight 2 + 1

  # last
# done
"""


def test_canonical_layout() -> None:
    assert format_program(source(UNTIDY)) == TIDY
    assert format_program(source(TIDY)) == TIDY


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("let a=[[1,2],[3,x]]", "let a = [[1, 2], [3, x]]"),
        ("let a=x  [1 , :]. T", "let a = x[1, :].T"),
        ("let a=not(b)and(c or d)", "let a = not b and (c or d)"),
        ("let a=-(-(b))", "let a = --b"),
        ("let a=2 . T", "let a = 2 .T"),
        ("var c:choice{a,b}[3]", "var c: choice {a, b}[3]"),
        ("var r:real in[0,1]bits(4)", "var r: real in [0, 1] bits 4"),
        ("anneal points([(0,0),(10,1)])", "anneal points([(0, 0), (10, 1)])"),
        ("train sgd (rate=0.1,)", "train sgd(rate = 0.1)"),
        ('data d:real from"d.npz:k"', 'data d: real from "d.npz:k"'),
        ("let a = 1E5 + 0.10", "let a = 1E5 + 0.10"),
    ],
)
def test_spacing(text: str, expected: str) -> None:
    assert format_program(source(f"program p\n{text}")) == f"program p\n{expected}\n"


def test_every_comment_is_kept() -> None:
    comments = [line[line.index("#") :].strip() for line in UNTIDY.splitlines() if "#" in line]
    formatted = format_program(source(UNTIDY))
    assert [line[line.index("#") :] for line in formatted.splitlines() if "#" in line] == comments


def test_a_file_with_errors_is_not_formatted() -> None:
    with pytest.raises(CompileError):
        format_program(source("program p\nlet a ="))
