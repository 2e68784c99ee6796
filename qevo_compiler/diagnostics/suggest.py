"""Did-you-mean: the known name nearest to a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence that names the nearest known name, or an empty string."""
    from difflib import get_close_matches  # when used: most programs are right

    near = get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f"did you mean `{near[0]}`?" if near else ""
