"""Lifted training of a pruned classifier of handwritten digits, in chunks, beside the truth.

A small net (16 inputs, tanh, cross-entropy) is trained densely for a moment and pruned in rounds to a tenth of its
weights. Those are then trained by gradient descent in the form of linear systems: the loss is expanded to degree three
about the present weights, lifted to order two, propagated for some steps, downloaded, and expanded again there. At this
size the truth is known, so the picture shows the Hessian's spectrum and both proxies against the true errors.

    python examples/pruned_digits.py                     300 steps, prints a table
    python examples/pruned_digits.py --plot digits.png   and draws it
    python examples/pruned_digits.py --quick             a few steps, for a test
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from scipy.stats import spearmanr
from sklearn.datasets import load_digits
from torch import nn

from qevo_compiler.analyses.hessian import magnitude_mask
from qevo_compiler.dialects.problem import TrainOp
from qevo_compiler.frontend.torch.chunks import ChunkedTraining, train_in_chunks
from qevo_compiler.frontend.torch.jet import LiveLoss
from qevo_compiler.frontend.torch.load import TracedModel

DENSITY = 0.1
RATE = 0.5
# Densities that the net is pruned to in turn before the last cut to DENSITY.
ROUNDS = (1.0, 0.5, 0.3, 0.2, 0.15, 0.12)


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Images of 4 x 4 pixels in [0, 1] and their labels."""
    found = load_digits()
    pixels = torch.tensor(found.images / 16.0).reshape(-1, 4, 2, 4, 2).mean(dim=(2, 4)).reshape(-1, 16)
    return pixels, torch.tensor(found.target)


def pretrained(pixels: torch.Tensor, labels: torch.Tensor, hidden: int, epochs: int) -> nn.Module:
    """A net trained densely, then pruned in rounds, `epochs` epochs after each."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, hidden), nn.Tanh(), nn.Linear(hidden, 10)).double()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for density in ROUNDS:
        masks = magnitude_mask({name: p.detach().numpy() for name, p in model.named_parameters()}, density)
        for _ in range(epochs):
            for rows in torch.randperm(len(labels)).split(128):
                with torch.no_grad():
                    for name, weights in model.named_parameters():
                        weights *= torch.from_numpy(masks[name])
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(pixels[rows]), labels[rows]).backward()
                optimizer.step()
    return model


def experiment(steps: int, every: int | None, hidden: int, epochs: int) -> tuple[LiveLoss, ChunkedTraining]:
    """The pruned model and its training by lifted chunks."""
    torch.set_num_threads(1)
    pixels, labels = digits()
    model = pretrained(pixels[:1200], labels[:1200], hidden, epochs)
    evaluation = pixels[1200:], labels[1200:]
    traced = TracedModel.from_objects(model, pixels[:400], labels[:400], nn.CrossEntropyLoss(), evaluation=evaluation)
    live = LiveLoss.of(traced, DENSITY)
    return live, train_in_chunks(live, TrainOp(RATE, steps), order=2, every=every, most=20)


def accuracy(live: LiveLoss, weights: np.ndarray) -> float:
    """On the held-out images."""
    held_out = live.traced.held_out
    state = {name: torch.from_numpy(values) for name, values in live.weights(weights).items()}
    with torch.no_grad():
        outputs, _ = live.traced.whole.at(state, held_out)
    return float((outputs.argmax(1) == held_out.targets).double().mean())


def correlation(run: ChunkedTraining, proxy: str) -> float:
    """Rank correlation over all chunks and their steps between a proxy and the truncation error.

    From the third step on: from the pivot, two steps of an order-two lift are exact.
    """
    ours, true = [], []
    for chunk in run.chunks:
        t = np.arange(3, chunk.steps + 1)
        ours += list(getattr(chunk.spectrum, proxy)(RATE, t))
        true += list(chunk.truncation[3:])
    return float(spearmanr(ours, true).statistic)


def table(live: LiveLoss, run: ChunkedTraining) -> None:
    """What happened, a line a chunk."""
    first = run.chunks[0]
    count = sum(mask.size for mask in live.masks.values())
    print(f"{count} weights, {len(live.start)} live; lifts of {first.monomials} monomials")
    print(" step  steps  dissipative  least    largest  truncation  remainder  error so far  held out")
    for chunk in run.chunks:
        last = chunk.first + chunk.steps
        low, high = chunk.spectrum.extremes()
        share = chunk.spectrum.dissipative_share(RATE)
        print(
            f"{chunk.first:5}  {chunk.steps:5}  {share:11.2f}  {low:7.4f}  {high:7.4f}  {chunk.truncation[-1]:10.2e}"
            f"  {chunk.remainder[-1]:9.2e}  {run.errors[last]:12.2e}  {accuracy(live, run.states[last]):8.3f}"
        )
    moved = np.linalg.norm(run.truth[-1] - run.truth[0])
    print(f"the weights moved by {moved:.3f}; held-out accuracy {accuracy(live, run.truth[0]):.3f} after pruning,")
    ours, true = accuracy(live, run.states[-1]), accuracy(live, run.truth[-1])
    print(f"{ours:.3f} by lifted training, {true:.3f} by descent itself")
    for proxy in ("growth", "accumulated"):
        print(f"rank correlation of the {proxy} proxy with the truncation error: {correlation(run, proxy):+.2f}")


def plot(run: ChunkedTraining, path: str) -> None:
    """Three panels: spectra, errors and proxies inside chunks, errors over the whole training."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 4.2), layout="constrained")
    whole = [chunk for chunk in run.chunks if chunk.steps > 3]
    chosen = [whole[0], whole[len(whole) // 2], whole[-1]]
    colours = ["tab:blue", "tab:orange", "tab:green"]
    ends = [chunk.spectrum.extremes() for chunk in chosen]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    grid = np.linspace(low - 0.05 * (high - low), high + 0.05 * (high - low), 600)
    for chunk, colour in zip(chosen, colours, strict=True):
        density = chunk.spectrum.density(grid, 0.01 * (high - low))
        left.semilogy(grid, np.maximum(density, 1e-3), color=colour, label=f"step {chunk.first}")
        t = np.arange(3, chunk.steps + 1)
        middle.semilogy(t, chunk.truncation[3:], color=colour, label=f"truncation, from step {chunk.first}")
        middle.semilogy(t, chunk.remainder[3:], color=colour, linewidth=0.7, marker=".", markersize=3)
        for proxy, style in ((chunk.spectrum.accumulated, "--"), (chunk.spectrum.growth, ":")):
            middle.semilogy(t, proxy(RATE, t) * chunk.truncation[-1] / proxy(RATE, t)[-1], style, color=colour)
    for style, name in ((".-", "remainder"), ("--", "accumulated proxy"), (":", "growth proxy")):
        middle.plot([], [], style, color="grey", linewidth=0.8, label=name)
    left.set(title="Hessian spectrum of the live weights", xlabel="curvature", ylabel="density")
    middle.set(title="errors inside a chunk; proxies scaled", xlabel="steps since upload", ylabel="2-norm of weights")
    right.semilogy(np.arange(1, len(run.errors)), run.errors[1:], label="lifted against descent itself")
    right.semilogy(np.linalg.norm(run.truth - run.truth[0], axis=1)[1:], color="grey", label="distance from the start")
    for chunk in run.chunks[1:]:
        right.axvline(chunk.first, color="lightgrey", linewidth=0.5, zorder=0)
    right.set(title="whole training, re-uploads in grey", xlabel="step", ylabel="2-norm of weights")
    for axes in (left, middle, right):
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="lifted training of a pruned classifier of digits")
    parser.add_argument("--quick", action="store_true", help="a smaller net and few steps")
    parser.add_argument("--every", type=int, help="steps a chunk (default: the turning point of the growth proxy)")
    parser.add_argument("--plot", metavar="FILE", help="draw spectra, proxies and errors")
    chosen = parser.parse_args(arguments)
    size = {"steps": 12, "hidden": 8, "epochs": 2} if chosen.quick else {"steps": 300, "hidden": 16, "epochs": 10}
    live, run = experiment(every=4 if chosen.quick and not chosen.every else chosen.every, **size)
    table(live, run)
    if chosen.plot:
        plot(run, chosen.plot)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
