"""The reference pages, made from the registries: `python -m qevo_compiler.cli.reference FOLDER`."""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from qevo_compiler.cli.main import COMMANDS, load_command
from qevo_compiler.diagnostics.index import all_diagnostics, explanation, worded
from qevo_compiler.passes.options import option_rows
from qevo_compiler.passes.pipelines import SOURCES
from qevo_compiler.passes.pipelines import TARGETS as LOWERINGS
from qevo_compiler.passes.registry import PASSES, load_pass
from qevo_compiler.targets import TARGETS, load_target

MADE = "<!-- Made by `make docs`; edit the docstrings instead. -->"


def pages() -> dict[str, str]:
    """The text of every page by file name."""
    return {"passes.md": _passes(), "targets.md": _targets(), "errors.md": _errors(), "cli.md": _cli()}


def _page(title: str, lines: Iterable[str]) -> str:
    return "\n".join([f"# {title}", "", MADE, "", *lines]).rstrip() + "\n"


def _passes() -> str:
    return _page("Passes", _pass_lines())


def _pass_lines() -> Iterator[str]:
    yield from ("## Pipelines", "", "| part | passes |", "| --- | --- |")
    for name, text in {**SOURCES, **LOWERINGS}.items():
        yield f"| {name} | `{text}` |"
    yield ""
    for name in PASSES:
        cls = load_pass(name)
        module = inspect.getmodule(cls)
        yield from (f"## {name}", "", f"Takes `{cls.takes.name}`, leaves `{cls.leaves.name}`.", "")
        yield from ("```text", inspect.cleandoc((module and module.__doc__) or ""), "```", "")
        yield from _options(cls)


def _options(cls: type) -> Iterator[str]:
    rows = list(option_rows(cls))
    if rows:
        yield from ("| option | value | default |", "| --- | --- | --- |")
        yield from (f"| `{option}` | {value} | `{default}` |" for option, value, default in rows)
        yield ""


def _targets() -> str:
    lines: list[str] = []
    for name in TARGETS:
        cls = load_target(name)
        lines += [
            f"## {name}",
            "",
            inspect.cleandoc(cls.__doc__ or ""),
            "",
            f"Lowered by `{LOWERINGS[cls.pipeline]}`.",
            "",
        ]
        lines += _options(cls)
    return _page("Targets", lines)


def _errors() -> str:
    lines: list[str] = []
    for code, cls in all_diagnostics().items():
        lines += [f"## {code}: {worded(cls.title)}", "", explanation(cls), ""]
    return _page("Diagnostics", lines)


def _cli() -> str:
    lines: list[str] = []
    for name, summary in COMMANDS.items():
        command = load_command(name)
        # A fixed width keeps the page the same in every terminal.
        parser = argparse.ArgumentParser(
            prog=f"qevoc {name}",
            description=command.__doc__,
            formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=100),
        )
        command.configure(parser)
        lines += [
            f"## qevoc {name}",
            "",
            summary[0].upper() + summary[1:] + ".",
            "",
            "```text",
            parser.format_help().rstrip(),
        ]
        lines += ["```", ""]
    return _page("Commands", lines)


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
