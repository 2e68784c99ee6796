"""A cost record in the making: figures by name, each as well known as the weakest of what it follows from."""

from __future__ import annotations

from collections.abc import Sequence

from qevo_compiler.dialects.linear.resources import Figure, Known, weakest


class Sheet:
    """Figures by name; a name states one thing."""

    def __init__(self) -> None:
        self._figures: dict[str, Figure] = {}

    def __getitem__(self, quantity: str) -> float:
        return self._figures[quantity].value

    def __contains__(self, quantity: str) -> bool:
        return quantity in self._figures

    def known(self, *quantities: str) -> Known:
        """The weakest of some figures."""
        return weakest(self._figures[quantity].known for quantity in quantities)

    def state(self, group: str, quantity: str, value: float, known: Known, note: str = "", unit: str = "") -> float:
        """Add a figure; its value."""
        self._figures[quantity] = Figure(group, quantity, float(value), known, unit, note)
        return float(value)

    def derive(
        self,
        group: str,
        quantity: str,
        value: float,
        sources: Sequence[str],
        note: str = "",
        rule: Known = Known.CHOSEN,
    ) -> float:
        """Add a figure that follows from others by a rule that is known in some way itself; its value."""
        return self.state(group, quantity, value, weakest((self.known(*sources), rule)), note)

    def figures(self) -> tuple[Figure, ...]:
        """All of them, those of one group together."""
        groups = list(dict.fromkeys(figure.group for figure in self._figures.values()))
        return tuple(sorted(self._figures.values(), key=lambda figure: groups.index(figure.group)))
