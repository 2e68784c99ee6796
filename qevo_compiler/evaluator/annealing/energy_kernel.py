"""Energies of many samples: tiles of samples are turned so that the samples of one spin fill a vector."""

from __future__ import annotations

from functools import cache

from qevo_compiler.evaluator.llvm import Kernel, Operand, Scalar, f64, i8, i32, i64, ptr, vec

# Samples are turned in squares of bytes.
SQUARE = 16


@cache
def sample_energies(lanes: int, real: Scalar) -> Kernel:
    """energies [16 * tiles] of `samples` [16 * tiles, size] of bytes; `values` and `fields` in `real`, sums in f64.

    Rows are those of `SpinModel.upper`. `turned` is scratch for 16 * padded elements of `real`, padded being the
    size rounded up to 16. Sums of a row are made in `real`.
    """
    k = Kernel(
        f"sample_energies_{real.text}_{lanes}",
        tiles=i64, size=i64, starts=ptr, columns=ptr, values=ptr, fields=ptr, samples=ptr, turned=ptr, energies=ptr,
    )  # fmt: skip
    with k.range(0, k.tiles) as tile:
        turn_tile(k, real, tile)
        sums = tile_energies(k, lanes, SQUARE // lanes, real, k.turned)
        for u, total in enumerate(sums):
            k.store(total, k.energies, tile * SQUARE + u * lanes)
    return k


@cache
def replica_energies(lanes: int, vectors: int, real: Scalar) -> Kernel:
    """energies [lanes * vectors] of `spins` [size, lanes * vectors] of `real`."""
    k = Kernel(
        f"replica_energies_{real.text}_{lanes}x{vectors}",
        size=i64, starts=ptr, columns=ptr, values=ptr, fields=ptr, spins=ptr, energies=ptr,
    )  # fmt: skip
    for u, total in enumerate(tile_energies(k, lanes, vectors, real, k.spins)):
        k.store(total, k.energies, u * lanes)
    return k


def tile_energies(k: Kernel, lanes: int, vectors: int, real: Scalar, spins: Operand) -> list[Operand]:
    """sum_i s_i (h_i + sum_{j > i} J_ij s_j) of every sample of a tile [size, lanes * vectors]."""
    type, width = vec(real, lanes), lanes * vectors
    sums = [k.variable(vec(f64, lanes), 0) for _ in range(vectors)]
    with k.range(0, k.size) as site:
        field = k.load(real, k.fields, site).splat(lanes)
        totals = [k.variable(type, field) for _ in range(vectors)]
        start, stop = (k.load(i32, k.starts, site + more).to(i64) for more in (0, 1))
        with k.range(start, stop) as entry:
            place = k.load(i32, k.columns, entry).to(i64) * width
            value = k.load(real, k.values, entry).splat(lanes)
            for u, total in enumerate(totals):
                total.set(k.fma(value, k.load(type, spins, place + u * lanes), total.get()))
        for u, total in enumerate(totals):
            product = total.get() * k.load(type, spins, site * width + u * lanes)
            sums[u].add(product.to(f64))
    return [total.get() for total in sums]


def turn_tile(k: Kernel, real: Scalar, tile: Operand) -> None:
    """turned [size, 16] = 16 of the `samples` [.., size], transposed and in `real`."""
    first = tile * SQUARE * k.size
    whole = k.size // SQUARE * SQUARE
    with k.range(0, whole, SQUARE) as site:
        _turn_square(k, real, first + site, site)
    with k.range(whole, k.size) as site, k.range(0, SQUARE) as sample:
        byte = k.load(i8, k.samples, first + sample * k.size + site)
        k.store(byte.to(real), k.turned, site * SQUARE + sample)


def _turn_square(k: Kernel, real: Scalar, start: Operand, site: Operand) -> None:
    """Transpose 16 samples of 16 spins by four rounds of interleaving halves."""
    rows = [k.load(vec(i8, SQUARE), k.samples, start + number * k.size) for number in range(SQUARE)]
    half = SQUARE // 2
    low = [n // 2 + (SQUARE if n % 2 else 0) for n in range(SQUARE)]
    high = [p + half for p in low]
    for _ in range(4):
        pairs = [(rows[n], rows[n + half]) for n in range(half)]
        rows = [k.shuffle(a, b, pattern) for a, b in pairs for pattern in (low, high)]
    for number, row in enumerate(rows):
        k.store(row.to(real), k.turned, (site + number) * SQUARE)
