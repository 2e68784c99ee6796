"""The command: stdout carries the product, exit codes say what happened, files appear whole or not at all."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from qevo_compiler.cli.main import COMMANDS, main
from qevo_compiler.loading import load

EXAMPLES = Path(__file__).parents[3] / "examples"
KNAPSACK = str(EXAMPLES / "knapsack.qevo")


def test_compile_prints_the_paths_of_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", KNAPSACK, "-o", str(tmp_path / "out"), "--verify"]) == 0
    captured = capsys.readouterr()
    assert sorted(captured.out.split()) == sorted(str(path) for path in (tmp_path / "out").iterdir())
    assert "penalize-constraints" in captured.err
    assert "verified: the energies of 64 states are the problem's own, to " in captured.err


@pytest.mark.parametrize("target", ["dwave", "openqasm3", "cirq"])
def test_a_written_program_runs_like_the_compiled_one(target: str, tmp_path: Path) -> None:
    assert main(["compile", KNAPSACK, f"--target={target}", "-o", str(tmp_path)]) == 0
    program = load(tmp_path)
    assert program.run(reads=50, seed=3).best.objective == 17
    again = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    rewritten = program.files
    assert {name for name in again if rewritten[name] != again[name]} <= {"knapsack.manifest.json"}


def test_run_prints_json_with_the_promised_keys(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", KNAPSACK, "--json", "--seed=1"]) == 0
    result = json.loads(capsys.readouterr().out)
    promised = {"program", "status", "objective", "feasible", "values", "violations", "reads", "ledger", "timing"}
    assert promised <= set(result)
    assert (result["objective"], result["values"]) == (17, {"take": [1, 0, 0, 1]})


def test_run_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", KNAPSACK]) == 0
    out = capsys.readouterr().out
    assert "objective 17" in out
    assert "[1, 0, 0, 1]" in out
    assert "penalty gap" in out


@pytest.mark.parametrize(
    "stop", ["expand-polynomials", "encode-variables", "penalize-constraints", "quadratize", "synthesize-schedule"]
)
def test_ir_at_any_stage_compiles_to_the_same_model(
    stop: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", KNAPSACK, "-o", str(tmp_path / "whole")]) == 0
    capsys.readouterr()
    assert main(["compile", KNAPSACK, "--stop-after", stop]) == 0
    middle = tmp_path / "middle.qir"
    middle.write_text(capsys.readouterr().out)
    assert main(["compile", str(middle), "-o", str(tmp_path / "rest")]) == 0
    for suffix in ("bqm.json", "bqm", "schedule.json"):
        name = f"knapsack.{suffix}"
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "rest" / name).read_bytes()


def test_opt_runs_a_pipeline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["compile", KNAPSACK, "--stop-after", "fold-constants"])
    (tmp_path / "in.qir").write_text(capsys.readouterr().out)
    assert main(["opt", str(tmp_path / "in.qir"), "-p", "decompose-layers,expand-polynomials"]) == 0
    assert "poly.objective" in capsys.readouterr().out
    assert main(["opt", str(tmp_path / "in.qir")]) == 0
    assert capsys.readouterr().out == (tmp_path / "in.qir").read_text()


def test_dumped_pipeline_is_accepted_as_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["compile", KNAPSACK, "--dump-pipeline", "--set", "penalize-constraints.search-steps=7"])
    text = capsys.readouterr().out.strip()
    assert "search-steps=7" in text
    assert main(["compile", KNAPSACK, "--passes", text, "-o", str(tmp_path)]) == 0


def test_levels_accept_the_same_programs_and_keep_the_optimum() -> None:
    from qevo_compiler import compile

    assert {compile(KNAPSACK, level=level).run(seed=1).best.objective for level in (0, 1, 2)} == {17}


def test_eval_evaluates_any_stage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.json").write_text('{"take": [1, 0, 0, 1]}')
    found = []
    for stop in ("fold-constants", "expand-polynomials"):
        main(["compile", KNAPSACK, "--stop-after", stop])
        (tmp_path / "in.qir").write_text(capsys.readouterr().out)
        assert main(["eval", str(tmp_path / "in.qir"), "--inputs", str(tmp_path / "x.json")]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert found[0]["objective"] == found[1]["objective"] == 17
    assert found[0]["constraints"] == found[1]["constraints"] == {"fits": [0]}


def test_check_reports_all_errors_of_all_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.qevo"
    bad.write_text("program bad\nvar x: binary[2]\nminimize y[0] + z[1]\n")
    assert main(["check", KNAPSACK, str(bad)]) == 1
    err = capsys.readouterr().err
    assert "`y`" in err
    assert "`z`" in err
    assert main(["check", KNAPSACK]) == 0


def test_check_takes_data_as_compile_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, data = tmp_path / "open.qevo", tmp_path / "w.json"
    source.write_text("program open\ndata w: int[n]\nvar x: binary[n]\nminimize w @ x\nsubject to\n  c: sum(x) >= 3\n")
    assert main(["check", str(source)]) == 1
    assert "Q0312" in capsys.readouterr().err
    data.write_text("[1, 2]")
    assert main(["check", str(source), f"--data=w={data}"]) == 1
    assert "Q0650" in capsys.readouterr().err
    data.write_text("[1, 2, 3]")
    assert main(["check", str(source), f"--data=w={data}"]) == 0


def test_a_python_file_may_state_a_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "stated.py"
    text = "from qevo_compiler import Problem\np = Problem('stated')\nx = p.binary('x', 3)\np.maximize(x.sum())\n"
    source.write_text(f"{text}p.subject_to(x.sum() <= 2)\n")
    assert main(["check", str(source)]) == 0
    assert main(["run", str(source)]) == 0
    assert "stated: optimal, objective 2" in capsys.readouterr().out
    source.write_text(f"{text}p.subject_to(x.sum())\n")
    assert main(["check", str(source)]) == 1
    assert "stated.py:5:1" in capsys.readouterr().err


def test_check_reports_what_only_lowering_finds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head = "program p\nvar x: binary[3]\nsubject to\n  c: sum(x) >= 4"
    hard, soft = tmp_path / "hard.qevo", tmp_path / "soft.qevo"
    hard.write_text(f"{head}\n")
    soft.write_text(f"{head} weight 2\n")
    assert main(["check", str(soft)]) == 0
    assert "warning[Q0652]" in capsys.readouterr().err
    assert main(["check", str(hard), str(soft)]) == 1
    shown = capsys.readouterr().err
    assert shown.index("error[Q0650]") < shown.index("warning[Q0652]")


def test_fmt_rewrites_checks_and_keeps_comments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    messy = tmp_path / "messy.qevo"
    messy.write_text("program   messy\nvar x:binary [ 2 ]   # two\nminimize x[0]+x[1]\n")
    assert main(["fmt", "--check", str(messy)]) == 1
    assert main(["fmt", str(messy)]) == 0
    text = messy.read_text()
    assert "var x: binary[2]  # two" in text
    assert main(["fmt", "--check", str(messy)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["messy.qevo"]


def test_values_of_a_partly_decided_weight_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "net.py").write_text(
        "import torch\ntorch.manual_seed(0)\n"
        "model = torch.nn.Sequential(torch.nn.Linear(12, 12, bias=False), torch.nn.Tanh(), torch.nn.Linear(12, 2))\n"
        "inputs, targets, loss = torch.randn(20, 12), torch.randn(20, 2), torch.nn.MSELoss()\n"
    )
    assert main(["compile", str(tmp_path / "net.py"), "-o", str(tmp_path / "out")]) == 0
    assert main(["run", str(tmp_path / "out"), "--reads", "2"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"0\.weight \(\d+ of 144\) ", shown)
    assert " 2.bias  " in shown


def test_latex(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", KNAPSACK, "--emit", "latex"]) == 0
    assert "\\" in capsys.readouterr().out


def test_latex_of_a_linear_program_is_refused_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", str(EXAMPLES / "fit.qevo"), "--emit", "latex"]) == 1
    assert "write `--emit latex for a problem of decision variables`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["targets"], "A Cirq circuit."),
        (["targets", "cirq"], "one of none, willow_pink, rainbow, weber  none"),
        (["targets", "resources"], "on a fault-tolerant machine"),
        (["passes", "step-map"], "one of cyclic, shuffled, independent  cyclic"),
    ],
)
def test_options_are_listed_as_users_write_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: list[str], words: str
) -> None:
    monkeypatch.setenv("COLUMNS", "150")
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert words in shown
    assert ".NONE" not in shown


@pytest.mark.parametrize("command", [["passes"], ["targets"], ["passes", "quadratize"], ["targets", "cirq"]])
def test_registries_are_listed(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 0
    assert len(capsys.readouterr().out.splitlines()) > 2


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_of_every_command(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    assert caught.value.code == 0
    assert f"qevoc {name}" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["frobnicate"], ["compile"], ["compile", KNAPSACK, "-O", "9"]])
def test_usage_errors_exit_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_a_bug_of_ours_exits_with_70_and_a_reproducer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from qevo_compiler.passes.quadratize import Quadratize

    def broken(*_: object) -> None:
        raise ZeroDivisionError("broken on purpose")

    monkeypatch.setattr(Quadratize, "run", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert main(["compile", KNAPSACK, "-o", str(tmp_path / "out")]) == 70
    err = capsys.readouterr().err
    assert "broken on purpose" in err
    assert re.search(r"quadratize(\{[^}]*\})?,drop-eliminated,binary-to-spin", err)
    assert not (tmp_path / "out").exists()
    (reproducer,) = tmp_path.glob("qevoc-bug-*.qir")
    monkeypatch.undo()
    assert main(["opt", str(reproducer), "-p", "quadratize,drop-eliminated,binary-to-spin"]) == 0


def test_a_folder_that_cannot_be_written_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("here first")
    assert main(["compile", KNAPSACK, "-o", str(tmp_path / "file")]) == 1
    assert "Q0007" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "here first"


def test_an_interrupted_write_leaves_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from qevo_compiler import compile, writing

    compiled = compile(KNAPSACK)
    real, count = writing._stream, []

    def interrupted(*arguments: object) -> str:
        count.append(1)
        if len(count) == 3:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(writing, "_stream", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compiled.write(tmp_path / "out")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_data_can_be_overridden(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "roomy.json").write_text("100")
    assert main(["run", KNAPSACK, "--json", "--data", f"capacity={tmp_path / 'roomy.json'}"]) == 0
    assert json.loads(capsys.readouterr().out)["values"] == {"take": [1, 1, 1, 1]}


def test_keys_of_the_environment_are_not_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("QUANTUM_API_KEY", "secret-key-material")
    monkeypatch.setenv("QUANTUM_BACKEND", "dwave")
    assert main(["run", KNAPSACK]) == 1
    captured = capsys.readouterr()
    assert "secret-key-material" not in captured.out + captured.err


@pytest.mark.parametrize("command", [["run"], ["compile"], ["explain"], ["check"], ["eval"], ["import"]])
@pytest.mark.parametrize("length", [300, 5000])
def test_names_too_long_for_the_system(command: list[str], length: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "a" * length + ".qevo"]) == 1
    assert main(["compile", KNAPSACK, "-o", "a" * length]) == 1
    assert capsys.readouterr().err.count("error[Q00") == 2


def test_check_reads_files_of_other_tools(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "good.lp").write_text("Minimize\n obj: x0 + 2 x1\nSubject To\n c: x0 + x1 >= 1\nBinary\n x0 x1\nEnd\n")
    (tmp_path / "bad.qubo").write_text("p qubo 0 2 2 0\n0 0 nan\n1 1 1\n")
    assert main(["check", str(tmp_path / "good.lp")]) == 0
    assert capsys.readouterr().err == ""
    assert main(["check", str(tmp_path / "bad.qubo"), str(tmp_path / "good.lp")]) == 1
    assert "error[Q09" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("inputs", "shown"),
    [
        (None, '"take": array of shape [4]'),
        ('{"take": [1, 0]}', '"take": array of shape [4]'),
        ('{"take": [1, 0, 0, 1], "tke": 1}', "`--inputs: tke`"),
        ('{"take": [1, 0, 0, NaN]}', "finite numbers"),
        ('{"take": [1, 0, 0, 1e999]}', "finite numbers"),
        ('{"take": {"a": 1}}', "finite numbers"),
        ('{"take": [[1], [1, 0]]}', "finite numbers"),
        ("[1, 0, 0, 1]", "finite numbers"),
    ],
)
def test_values_that_do_not_fit(
    inputs: str | None, shown: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", KNAPSACK, "--stop-after", "expand-polynomials"]) == 0
    (tmp_path / "middle.qir").write_text(capsys.readouterr().out)
    (tmp_path / "in.json").write_text(inputs or "")
    given = [] if inputs is None else ["--inputs", str(tmp_path / "in.json")]
    assert main(["eval", str(tmp_path / "middle.qir"), *given]) == 1
    error = capsys.readouterr().err
    assert "error[Q0011]" in error
    assert shown in error
    assert main(["eval", str(tmp_path / "middle.qir"), "--func", "nope"]) == 1
    assert "--func main" in capsys.readouterr().err


@pytest.mark.parametrize("where", ["load_command", "_guarded"])
def test_an_interrupt_at_any_moment_is_one_line(
    where: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"qevo_compiler.cli.main.{where}", interrupted)
    assert main(["check", KNAPSACK]) == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("arguments", [["run", KNAPSACK], ["compile", KNAPSACK, "--emit", "ir"], ["explain", "Q0204"]])
def test_output_that_cannot_be_written_is_no_bug_of_ours(arguments: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        found = subprocess.run(
            [sys.executable, "-m", "qevo_compiler", *arguments], stdout=full, stderr=subprocess.PIPE, check=False
        )
    error = found.stderr.decode()
    assert found.returncode == 1
    assert "error[Q0007]: cannot write into `standard output`" in error
    assert "bug" not in error


def ran(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    (tmp_path / "p.qevo").write_text(text)
    assert main(["run", str(tmp_path / "p.qevo"), *options]) == 0
    return " ".join(capsys.readouterr().out.split("ledger")[0].split())


def test_run_counts_the_constraints_that_it_does_not_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "program p\nvar x: binary[20]\nmaximize sum(x)\nsubject to\n  c[i]: x[i] <= x[19] for i in 0..19\n"
    out = ran(text, tmp_path, capsys)
    assert (out.count(" ok"), "c[11] 0 ok and 7 more ok energy" in out) == (13, True)


def test_run_keeps_soft_constraints_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    constraints = "subject to\n  some: sum(x) >= 1\n  all: sum(x) >= 3 weight 0.25\n"
    text = f"program p\nvar x: binary[3]\nmaximize 0 - sum(x)\n{constraints}"
    out = ran(text, tmp_path, capsys, "--set", "presolve.symmetry=false")
    assert "p: optimal, objective -1, soft penalties 1 (" in out
    assert "all -2 missed (soft) some 0 ok" in out
    assert "VIOLATED" not in out


def test_run_says_when_there_is_no_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "program p\nvar x: binary[3]\nmaximize 0 * sum(x)\nsubject to\n  a: sum(x) >= 2\n  b: sum(x) <= 1\n"
    out = ran(text, tmp_path, capsys)
    assert "p: infeasible, objective 0 (" in out
    assert "no values satisfy every hard constraint" in out
    assert "-0" not in out.replace("-0.", "")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ([KNAPSACK], "compile it first, as in `qevoc compile"),
        (["{out}", "take[9]"], "`take` has the shape [4], counted from 0"),
        (["{out}", "fits[7]"], "`fits` has no such instance"),
        (["{out}", "tak"], "did you mean `take`?"),
    ],
)
def test_explain_says_what_to_ask_for(
    arguments: list[str], hint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", KNAPSACK, "-o", str(tmp_path)]) == 0
    capsys.readouterr()
    assert main(["explain", *(part.format(out=tmp_path) for part in arguments)]) == 1
    assert " ".join(hint.split()) in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("table", ["5\n3\n4\n9\n", "5,3,4,9\n"])
def test_a_vector_may_be_handed_in_as_a_table_of_one_row_or_column(
    table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "w.csv").write_text(table)
    assert main(["run", KNAPSACK, "--data", f"weight={tmp_path / 'w.csv'}", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["objective"] == 13


def test_explain_says_slack_only_where_there_is_some(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = ("apart: x[0] + x[1] <= 1", "fits: 4 * x[0] + 3 * x[1] + 5 * x[2] <= 11", "off: 3 <= 2 weight 2")
    text = "program p\nvar x: binary[3]\nmaximize sum(x)\nsubject to\n  " + "\n  ".join(rows) + "\n"
    (tmp_path / "p.qevo").write_text(text)
    plain = ["--set", "penalize-constraints.clauses=0"]
    assert main(["compile", str(tmp_path / "p.qevo"), *plain, "-o", str(tmp_path)]) == 0
    said = {}
    for name in ("apart", "fits", "off"):
        capsys.readouterr()
        assert main(["explain", str(tmp_path), name]) == 0
        said[name] = capsys.readouterr().out
    assert [" + slack" in lines for lines in said.values()] == [False, True, False]
    assert ["no slack spins" in lines for lines in said.values()] == [True, False, True]
    assert said["off"].startswith("off: 1 <= 0")


def test_an_option_of_the_target_is_set_like_one_of_a_pass(tmp_path, capsys):
    given = ["compile", KNAPSACK, "--target=openqasm3", "-o", str(tmp_path)]
    assert main([*given, "--set", "openqasm3.physical=true"]) == 0
    assert "h $0;" in (tmp_path / "knapsack.qasm").read_text()
    assert main([*given, "--set", "openqasm3.physical=perhaps"]) == 1
    assert "`physical` cannot be `perhaps`" in capsys.readouterr().err
    assert main([*given, "--set", "cirq.device=willow_pink"]) == 1
    assert "Q0502" in capsys.readouterr().err
