"""TON dictionaries, persistent: plain `Hashmap` and augmented `HashmapAug` with their cells.

An insert copies the path it touches and shares the rest, so a block costs the accounts it changed, and old states
stay readable. Layout: block.tlb `hm_edge`, `ahm_edge`; labels as the reference implementation chooses them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from harvester_ton.devnet.cells import Builder, Cell


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How a node's extra value is stored, and how a fork's follows from its two children."""

    store: Callable[[Builder, Any], Builder]
    combine: Callable[[Any, Any], Any]
    empty: Any


NO_EXTRA = Augmentation(lambda builder, _: builder, lambda _a, _b: None, None)


@dataclass(frozen=True, slots=True, eq=False)
class _Node:
    """An edge with its label. A leaf has `key`; a fork has two children."""

    label: int
    label_bits: int
    cell: Cell
    extra: Any
    value: Builder | None = None
    children: tuple[_Node, _Node] | None = None


def store_label(builder: Builder, label: int, bits: int, room: int) -> Builder:
    """`HmLabel` of `bits` bits where at most `room` could follow: the shortest of the three forms."""
    width = room.bit_length()
    if bits > 1 and label in (0, (1 << bits) - 1) and width < 2 * bits - 1:
        return builder.uint(6 | label & 1, 3).uint(bits, width)
    if width < bits:
        return builder.uint(2, 2).uint(bits, width).uint(label, bits)
    return builder.uint(0, 1).uint((1 << bits + 1) - 2, bits + 1).uint(label, bits)


class HashMap:
    """An immutable dictionary with keys of `key_bits` bits; `set` and `drop` give a new one."""

    __slots__ = ("_aug", "_root", "key_bits")

    def __init__(self, key_bits: int, aug: Augmentation = NO_EXTRA, root: _Node | None = None) -> None:
        self.key_bits, self._aug, self._root = key_bits, aug, root

    @property
    def root(self) -> Cell | None:
        """The root edge, or None when the dictionary is empty."""
        return self._root.cell if self._root else None

    @property
    def extra(self) -> Any:
        """The extra of the whole dictionary."""
        return self._root.extra if self._root else self._aug.empty

    def set(self, key: int, value: Builder, extra: Any = None) -> HashMap:
        """A dictionary in which `key` has this value (and this extra)."""
        root = self._insert(self._root, key, self.key_bits, value, extra)
        return HashMap(self.key_bits, self._aug, root)

    def drop(self, key: int) -> HashMap:
        """A dictionary without `key`; dropping an absent key changes nothing."""
        return HashMap(self.key_bits, self._aug, self._remove(self._root, key, self.key_bits))

    def store_e(self, builder: Builder) -> Builder:
        """`HashmapE` or `HashmapAugE`: a bit, the root if any, the extra."""
        return self._aug.store(builder.maybe_ref(self.root), self.extra)

    def path(self, key: int) -> list[Cell]:
        """The cells on the way to `key`, as far as it goes: what proves presence or absence."""
        return [node.cell for node in self._walk(key)]

    def leaf(self, key: int) -> Builder | None:
        """The value of `key` as it was set."""
        *_, last = [None, *self._walk(key)]
        return last.value if last and self._matches(last, key) else None

    def _walk(self, key: int) -> Iterator[_Node]:
        node, room = self._root, self.key_bits
        while node:
            yield node
            room -= node.label_bits
            if not node.children or key >> room & ((1 << node.label_bits) - 1) != node.label:
                return
            room -= 1
            node = node.children[key >> room & 1]

    @staticmethod
    def _matches(node: _Node, key: int) -> bool:
        return node.value is not None and key & ((1 << node.label_bits) - 1) == node.label

    def _insert(self, node: _Node | None, key: int, room: int, value: Builder, extra: Any) -> _Node:
        """`key` here is the part of the key below this edge: `room` bits."""
        if node is None:
            return self._leaf(key, room, room, value, extra)
        common = node.label_bits - (node.label ^ key >> room - node.label_bits).bit_length()
        if common == node.label_bits:
            if node.children is None:
                return self._leaf(key, room, room, value, extra)
            return self._descend(node, key, room, value, extra)
        below = room - common - 1
        old = self._relabel(node, node.label_bits - common - 1, below)
        new = self._leaf(key & ((1 << below) - 1), below, below, value, extra)
        pair = (old, new) if key >> below & 1 else (new, old)
        return self._fork(key >> room - common, common, room, pair)

    def _descend(self, node: _Node, key: int, room: int, value: Builder, extra: Any) -> _Node:
        if node.children is None:
            raise AssertionError("only a fork is descended into")
        left, right = node.children
        below = room - node.label_bits - 1
        rest = key & ((1 << below) - 1)
        if key >> below & 1:
            pair = (left, self._insert(right, rest, below, value, extra))
        else:
            pair = (self._insert(left, rest, below, value, extra), right)
        return self._fork(node.label, node.label_bits, room, pair)

    def _remove(self, node: _Node | None, key: int, room: int) -> _Node | None:
        if node is None or key >> room - node.label_bits != node.label:
            return node
        if node.children is None:
            return None
        below = room - node.label_bits - 1
        side = key >> below & 1
        kept = self._remove(node.children[side], key & ((1 << below) - 1), below)
        other = node.children[1 - side]
        if kept is None:
            joined = (node.label << 1 | 1 - side) << other.label_bits | other.label
            return self._relabelled(other, joined, node.label_bits + 1 + other.label_bits, room)
        return self._fork(node.label, node.label_bits, room, (other, kept) if side else (kept, other))

    def _relabel(self, node: _Node, bits: int, room: int) -> _Node:
        return self._relabelled(node, node.label & ((1 << bits) - 1), bits, room)

    def _relabelled(self, node: _Node, label: int, bits: int, room: int) -> _Node:
        if node.children:
            return self._fork(label, bits, room, node.children)
        return self._leaf(label, bits, room, node.value or Builder(), node.extra)

    def _leaf(self, label: int, bits: int, room: int, value: Builder, extra: Any) -> _Node:
        builder = self._aug.store(store_label(Builder(), label, bits, room), extra).append(value)
        return _Node(label, bits, builder.end(), extra, value)

    def _fork(self, label: int, bits: int, room: int, pair: tuple[_Node, _Node]) -> _Node:
        extra = self._aug.combine(pair[0].extra, pair[1].extra)
        builder = store_label(Builder(), label, bits, room).ref(pair[0].cell).ref(pair[1].cell)
        return _Node(label, bits, self._aug.store(builder, extra).end(), extra, None, pair)


def read_hashmap(root: Cell, key_bits: int) -> dict[int, Any]:
    """Every key of a plain `Hashmap` with a reader placed at its value."""
    found: dict[int, Any] = {}
    stack = [(root, key_bits, 0)]
    while stack:
        cell, room, prefix = stack.pop()
        reader = cell.reader()
        bits, label = _read_label(reader, room)
        room, prefix = room - bits, prefix << bits | label
        if room == 0:
            found[prefix] = reader
            continue
        left, right = reader.ref(), reader.ref()
        stack += [(right, room - 1, prefix << 1 | 1), (left, room - 1, prefix << 1)]
    return found


def cell_path(root: Cell, key_bits: int, key: int) -> list[Cell]:
    """The cells of a plain `Hashmap` on the way to `key`, as far as it goes."""
    path, cell, room = [root], root, key_bits
    while True:
        reader = cell.reader()
        bits, label = _read_label(reader, room)
        room -= bits
        if room == 0 or key >> room & ((1 << bits) - 1) != label:
            return path
        room -= 1
        cell = cell.refs[key >> room & 1]
        path.append(cell)


def _read_label(reader: Any, room: int) -> tuple[int, int]:
    if not reader.uint(1):
        bits = 0
        while reader.uint(1):
            bits += 1
        return bits, reader.uint(bits)
    if not reader.uint(1):
        bits = reader.uint(room.bit_length())
        return bits, reader.uint(bits)
    same = reader.uint(1)
    bits = reader.uint(room.bit_length())
    return bits, ((1 << bits) - 1) * same
