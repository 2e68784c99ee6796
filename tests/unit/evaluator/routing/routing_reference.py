"""The routing kernels in plain Python, number for number, by their contracts."""

from __future__ import annotations

import numpy as np

from qevo_compiler.evaluator.routing.placing import LIMITS
from qevo_compiler.evaluator.routing.swapping import APART, GAIN, GATE_TIME, MADE, SWAP_TIME, WAITING

MASK = (1 << 64) - 1


class Random:
    def __init__(self, word):
        self.word = int(word)

    def below(self, count):
        word = self.word
        word ^= (word << 13) & MASK
        word ^= word >> 7
        word ^= (word << 17) & MASK
        self.word = word
        return ((word >> 32) * count) >> 32


def near(graph, vertex):
    return range(int(graph.first[vertex]), int(graph.first[vertex + 1]))


def inverse(where, size):
    held = [len(where)] * size
    for spin, qubit in enumerate(where):
        held[qubit] = spin
    return held


def placement(spins, qubits, length, start, moves, hot, cold, word):
    random, where, heat = Random(word), start.tolist(), hot
    held, ratio, count = inverse(where, len(length)), (cold / hot) ** (1.0 / max(moves, 1)), len(start)

    def cost(spin, but, here, there):
        others = (int(spins.others[k]) for k in near(spins, spin))
        return sum(int(length[there, where[o]]) - int(length[here, where[o]]) for o in others if o != but)

    for _ in range(moves):
        spin = random.below(count)
        here, there = where[spin], random.below(len(length))
        mine = near(spins, spin)
        if random.below(2) and len(mine):
            around = near(qubits, where[int(spins.others[mine[0] + random.below(len(mine))])])
            if len(around):
                there = int(qubits.others[around[0] + random.below(len(around))])
        heat *= ratio
        limit = heat * LIMITS[random.below(len(LIMITS))]
        if there == here:
            continue
        other = held[there]
        change = cost(spin, other, here, there) + (cost(other, spin, there, here) if other < count else 0)
        if change <= limit:
            held[here], held[there], where[spin] = other, spin, there
            if other < count:
                where[other] = here
    return where


def swaps(pairs, spins, couplers, far, length, start, merged, patience, noise, word):
    random, where = Random(word), start.tolist()
    held, count = inverse(where, len(far)), len(start)
    clock, steps = [0] * len(far), []
    state = [WAITING if far[where[a], where[b]] == 1 else APART for a, b in pairs]
    goal = None

    def step(pair, here, there, swap):
        steps.append([pair, here, there, int(swap)])
        clock[here] = clock[there] = max(clock[here], clock[there]) + (SWAP_TIME if swap else GATE_TIME)

    def around(spin):
        return [(int(spins.edges[k]), int(spins.others[k])) for k in near(spins, spin)] if spin < count else []

    def gain(here, there):
        total = 0
        for source, end in ((here, there), (there, here)):
            for pair, other in around(held[source]):
                if state[pair] == APART:
                    total += int(length[source, where[other]]) - int(length[end, where[other]])
        waits = any(state[pair] == WAITING and other == held[there] for pair, other in around(held[here]))
        return total, waits

    def chosen():
        nonlocal goal
        if goal is not None and state[goal] != APART:
            goal = None
        best, score = None, 0
        if goal is None:
            for here, there in couplers.tolist():
                total, waits = gain(here, there)
                if total > 0:
                    value = (total + merged * waits) * GAIN - patience * max(clock[here], clock[there])
                    value += random.below(noise)
                    if best is None or value > score:
                        best, score = (here, there), value
            if best is not None:
                return best
            apart = [pair for pair in range(len(pairs)) if state[pair] == APART]
            goal = min(apart, key=lambda pair: far[where[pairs[pair][0]], where[pairs[pair][1]]])
        here, end = (where[spin] for spin in pairs[goal])
        ways = [q for q in range(len(far)) if far[here, q] == 1 and far[q, end] < far[here, end]]
        return here, ways[-1]

    while APART in state:
        here, there = chosen()
        a, b = held[here], held[there]
        both = -1
        for spin, other in ((a, b), (b, a)):
            for pair, partner in around(spin):
                if state[pair] == WAITING and partner == other:
                    both = pair
                elif state[pair] == WAITING:
                    step(pair, where[spin], where[partner], False)
                    state[pair] = MADE
        if both >= 0:
            state[both] = MADE
        step(both, here, there, True)
        held[here], held[there] = b, a
        for spin, place in ((a, there), (b, here)):
            if spin < count:
                where[spin] = place
        for spin in (a, b):
            for pair, partner in around(spin):
                if state[pair] == APART and far[where[spin], where[partner]] == 1:
                    state[pair] = WAITING
    left = [sum(state[pair] == WAITING for pair, _ in around(spin)) for spin in range(count)]
    waiting = [pair for pair in range(len(pairs)) if state[pair] == WAITING]
    while waiting:
        ends = {pair: pairs[pair].tolist() for pair in waiting}
        starts = {pair: max(clock[where[spin]] for spin in ends[pair]) for pair in waiting}
        pair = min(waiting, key=lambda pair: (starts[pair], -sum(left[spin] for spin in ends[pair])))
        waiting.remove(pair)
        step(pair, *(where[spin] for spin in ends[pair]), False)
        for spin in ends[pair]:
            left[spin] -= 1
    return steps, where


def ordered(gates, first, last, far, start, weights):
    where, made = start.tolist(), []

    def after(here, there, ahead):
        moved = {here: there, there: here}
        ends = [[moved.get(where[spin], where[spin]) for spin in pair] for pair in ahead]
        return sum(int(far[a, b]) * int(weight) for (a, b), weight in zip(ends, weights, strict=False))

    for index in range(first, last):
        a, b = gates[index].tolist()
        while b >= 0 and far[where[a], where[b]] > 1:
            ahead = [pair for pair in gates[index + 1 : index + 1 + len(weights)].tolist() if pair[1] >= 0]
            ways = []
            for start_, end in ((where[a], where[b]), (where[b], where[a])):
                near_ones = np.flatnonzero((far[start_] == 1) & (far[:, end] < far[start_, end]))
                ways += [(start_, int(q)) for q in near_ones]
            here, there = min(ways, key=lambda way: after(*way, ahead))
            made.append([-1, here, there])
            where = [there if q == here else here if q == there else q for q in where]
        made.append([index, where[a], where[b] if b >= 0 else -1])
    return made, where


def times(qubits, lengths, size):
    clock, ends = [0] * size, []
    for pair, length in zip(qubits.tolist(), lengths.tolist(), strict=True):
        on = [q for q in pair if q >= 0]
        end = max(clock[q] for q in on) + length
        for q in on:
            clock[q] = end
        ends.append(end)
    return ends
