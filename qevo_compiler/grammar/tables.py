"""The tables that `generate.py` made of `qevo.lark`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def read_tables() -> dict[str, Any]:
    """What `tables.json` holds: rules, actions, gotos, starts and the patterns of tokens."""
    text = Path(__file__).with_name("tables.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
