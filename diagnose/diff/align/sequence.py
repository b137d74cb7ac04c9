"""Align two sequences: exactly by Myers' algorithm, or with graded costs by Needleman and Wunsch's.

Source: Myers 1986, "An O(ND) difference algorithm and its variations"; Needleman and Wunsch 1970.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

Pairs = list[tuple[int, int]]

GRADED = 400_000
"""The most cells of the table of graded costs. Longer sequences are aligned exactly first, then between the matches."""

EDITS = 3_000
"""The most edits that the exact alignment looks for. Sequences further apart are aligned in pieces."""


def align_sequences(
    a: Sequence[Hashable],
    b: Sequence[Hashable],
    cost: Callable[[int, int], float],
    gaps: tuple[list[float], list[float]],
) -> Pairs:
    """Return the positions of `a` and `b` that belong together, in order.

    Args:
        a: labels; equal ones cost nothing to pair.
        b: labels.
        cost: what it costs to pair position i of `a` with position j of `b`.
        gaps: what it costs to leave each position of `a`, and of `b`, alone.
    """
    if len(a) * len(b) <= GRADED:
        return _graded((0, len(a)), (0, len(b)), cost, gaps)
    head = _common(a, b)
    tail = _common(a[head:][::-1], b[head:][::-1])
    stop_a, stop_b = len(a) - tail, len(b) - tail
    ends = [(i, i) for i in range(head)], [(stop_a + i, stop_b + i) for i in range(tail)]
    exact = [(head + i, head + j) for i, j in _exact(a[head:stop_a], b[head:stop_b])]
    middle: Pairs = []
    i, j = head, head
    for next_i, next_j in [*exact, (stop_a, stop_b)]:
        if next_i > i and next_j > j:
            middle += _pieces((i, next_i), (j, next_j), cost, gaps)
        if next_i < stop_a and next_j < stop_b:
            middle.append((next_i, next_j))
        i, j = next_i + 1, next_j + 1
    return ends[0] + middle + ends[1]


def _common(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    count = 0
    for item_a, item_b in zip(a, b, strict=False):
        if item_a != item_b:
            break
        count += 1
    return count


def _pieces(
    a: tuple[int, int], b: tuple[int, int], cost: Callable[[int, int], float], gaps: tuple[list[float], list[float]]
) -> Pairs:
    """Align two stretches with graded costs, in several pieces if the table would be too large."""
    if (a[1] - a[0]) * (b[1] - b[0]) <= GRADED:
        return _graded(a, b, cost, gaps)
    middle_a, middle_b = sum(a) // 2, sum(b) // 2
    first = _pieces((a[0], middle_a), (b[0], middle_b), cost, gaps)
    return first + _pieces((middle_a, a[1]), (middle_b, b[1]), cost, gaps)


def _graded(
    a: tuple[int, int], b: tuple[int, int], cost: Callable[[int, int], float], gaps: tuple[list[float], list[float]]
) -> Pairs:
    gap_a, gap_b = gaps
    width = b[1] - b[0] + 1
    previous = [0.0] * width
    for j in range(1, width):
        previous[j] = previous[j - 1] + gap_b[b[0] + j - 1]
    moves: list[bytearray] = []
    for i in range(a[0], a[1]):
        row = [previous[0] + gap_a[i]]
        move = bytearray(width)
        move[0] = 1
        for j in range(1, width):
            pair = previous[j - 1] + cost(i, b[0] + j - 1)
            drop_a = previous[j] + gap_a[i]
            drop_b = row[j - 1] + gap_b[b[0] + j - 1]
            if pair <= drop_a and pair <= drop_b:
                row.append(pair)
            elif drop_a <= drop_b:
                row.append(drop_a)
                move[j] = 1
            else:
                row.append(drop_b)
                move[j] = 2
        moves.append(move)
        previous = row
    return _traced(moves, a, b)


def _traced(moves: list[bytearray], a: tuple[int, int], b: tuple[int, int]) -> Pairs:
    pairs: Pairs = []
    i, j = a[1] - a[0], b[1] - b[0]
    while i and j:
        move = moves[i - 1][j]
        if move == 0:
            i, j = i - 1, j - 1
            pairs.append((a[0] + i, b[0] + j))
        elif move == 1:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


def _exact(a: Sequence[Hashable], b: Sequence[Hashable]) -> Pairs:
    """Return the longest common subsequence; nothing if the sequences are more than `EDITS` edits apart."""
    furthest = {1: 0}
    history: list[dict[int, int]] = []
    for edits in range(min(len(a) + len(b), EDITS) + 1):
        history.append(dict(furthest))
        for diagonal in range(-edits, edits + 1, 2):
            down = diagonal == -edits or (
                diagonal != edits and furthest.get(diagonal - 1, -1) < furthest.get(diagonal + 1, -1)
            )
            i = furthest[diagonal + 1] if down else furthest[diagonal - 1] + 1
            j = i - diagonal
            while i < len(a) and j < len(b) and a[i] == b[j]:
                i, j = i + 1, j + 1
            furthest[diagonal] = i
            if i >= len(a) and j >= len(b):
                return _walked_back(history, (len(a), len(b)))
    return []


def _walked_back(history: list[dict[int, int]], end: tuple[int, int]) -> Pairs:
    pairs: Pairs = []
    i, j = end
    for edits in range(len(history) - 1, -1, -1):
        furthest, diagonal = history[edits], i - j
        down = diagonal == -edits or (
            diagonal != edits and furthest.get(diagonal - 1, -1) < furthest.get(diagonal + 1, -1)
        )
        previous = diagonal + 1 if down else diagonal - 1
        start = furthest.get(previous, 0)
        start_i, start_j = (start, start - previous) if edits else (0, 0)
        while i > max(start_i, 0) and j > max(start_j, 0) and (i > start_i + (not down) or not edits):
            i, j = i - 1, j - 1
            pairs.append((i, j))
        i, j = start_i, start_j
    return pairs[::-1]
