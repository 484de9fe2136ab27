"""Read s-expressions as KiCad writes them, from a file nobody vouches for: size, nesting and counts are bounded."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator

MAX_BYTES = 64 << 20
MAX_NESTING = 64
MAX_NODES = 4_000_000
MAX_TEXT = 4_096
MAX_NUMBER = 1e6

# Possessive quantifiers: a string that never ends must not make the matcher try every way to read it.
_TOKEN = re.compile(r'\s*+(?:([()])|"((?:[^"\\]++|\\.)*+)"|([^\s()"]++))', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}


class Node:
    """A list of the file: ``(name value value …)``, where a value is text or another list.

    Args:
        name: its first word, "" for a list that starts otherwise.
        line: line of the file, from 1, on which it opens.
        values: what follows the name.
    """

    __slots__ = ("line", "name", "values")

    def __init__(self, name: str, line: int, values: list[str | Node] | None = None) -> None:
        self.name = name
        self.line = line
        self.values: list[str | Node] = [] if values is None else values

    def children(self, *names: str) -> Iterator[Node]:
        """Yield the lists inside this one that carry one of ``names``, in file order."""
        return (value for value in self.values if isinstance(value, Node) and value.name in names)

    def child(self, name: str) -> Node | None:
        """Return the first list called ``name``, or None."""
        return next(self.children(name), None)

    def words(self) -> list[str]:
        """Return the values that are text, in file order."""
        return [value for value in self.values if isinstance(value, str)]

    def text(self, index: int = 0, default: str | None = None) -> str:
        """Return the text at ``index`` among the text values.

        Raises:
            ValueError: there is none and no default, or it is longer than any name may be.
        """
        words = self.words()
        if index >= len(words):
            if default is None:
                raise self.error(f"has no value {index + 1}")
            return default
        if len(words[index]) > MAX_TEXT:
            raise self.error(f"holds a text of {len(words[index])} characters, at most {MAX_TEXT} are read")
        return words[index]

    def number(self, index: int = 0, default: float | None = None) -> float:
        """Return the number at ``index`` among the text values.

        Raises:
            ValueError: it is missing, not a number, not finite, or beyond what a board can measure.
        """
        if default is not None and index >= len(self.words()):
            return default
        word = self.text(index)
        try:
            number = float(word)
        except ValueError:
            raise self.error(f"needs a number, not {word[:40]!r}") from None
        if not math.isfinite(number) or abs(number) > MAX_NUMBER:
            raise self.error(f"has the impossible number {word[:40]}")
        return number

    def point(self, index: int = 0) -> tuple[float, float]:
        """Return the two numbers from ``index`` on."""
        return self.number(index), self.number(index + 1)

    def required(self, name: str) -> Node:
        """Return the list called ``name``.

        Raises:
            ValueError: there is none.
        """
        node = self.child(name)
        if node is None:
            raise self.error(f"has no ({name} …)")
        return node

    def error(self, what: str) -> ValueError:
        """Return the error that names this list and its line."""
        return ValueError(f"line {self.line}: ({self.name[:40]} …) {what}")


def parse(text: str, keep: Collection[str] | None = None) -> Node:
    """Parse the one list that ``text`` holds.

    Args:
        text: the whole file.
        keep: names of the lists directly inside the outer one that are wanted; the others are checked and dropped,
            so that a board's copper costs no memory. None keeps all.

    Returns:
        The outer list.

    Raises:
        ValueError: not one well-formed list, or larger than the bounds above; the message has the line.
    """
    return _Parser(text, keep).run()


class _Parser:
    """One pass over the tokens with a stack of open lists; None on the stack stands for a list that is dropped."""

    def __init__(self, text: str, keep: Collection[str] | None) -> None:
        self._text = text
        self._keep = keep
        self._stack: list[Node | None] = []
        self._root: Node | None = None
        self._nodes = 0
        self._line = 1
        self._counted = 0
        self._named = True

    def run(self) -> Node:
        position = 0
        match = _TOKEN.match
        while found := match(self._text, position):
            if found[1] == "(":
                self._open(found.start(1))
            elif found[1] == ")":
                self._close(found.start(1))
            else:
                self._word(found[3] if found[2] is None else _unescape(found[2]), found.start())
            position = found.end()
        self._finish(position)
        if self._root is None:
            raise ValueError("line 1: the file is empty")
        return self._root

    def _line_at(self, position: int) -> int:
        self._line += self._text.count("\n", self._counted, position)
        self._counted = max(self._counted, position)
        return self._line

    def _open(self, position: int) -> None:
        line = self._line_at(position)
        if not self._stack and self._root is not None:
            raise ValueError(f"line {line}: text after the end of the board")
        if len(self._stack) >= MAX_NESTING:
            raise ValueError(f"line {line}: lists are nested deeper than {MAX_NESTING}")
        dropped = bool(self._stack) and self._stack[-1] is None
        node = None if dropped else Node("", line)
        self._stack.append(node)
        self._named = dropped
        if node is not None:
            self._nodes += 1
            if self._nodes > MAX_NODES:
                raise ValueError(f"line {line}: more than {MAX_NODES} lists")

    def _close(self, position: int) -> None:
        if not self._stack:
            raise ValueError(f"line {self._line_at(position)}: a closing parenthesis without an opening one")
        node = self._stack.pop()
        self._named = True
        if node is None:
            return
        if not self._stack:
            self._root = node
        else:
            parent = self._stack[-1]
            assert parent is not None  # a kept list cannot lie in a dropped one
            parent.values.append(node)

    def _word(self, word: str, position: int) -> None:
        if not self._stack:
            raise ValueError(f"line {self._line_at(position)}: not an s-expression, it starts with {word[:40]!r}")
        node = self._stack[-1]
        if node is None:
            return
        if self._named:
            node.values.append(word)
            return
        self._named = True
        node.name = word
        if len(self._stack) == 2 and self._keep is not None and word not in self._keep:
            self._stack[-1] = None

    def _finish(self, position: int) -> None:
        rest = self._text[position : position + 200].strip()
        if rest:
            raise ValueError(f"line {self._line_at(position)}: a quoted text has no end")
        if self._stack:
            line = self._stack[-1].line if self._stack[-1] is not None else self._line_at(len(self._text))
            raise ValueError(f"line {line}: a list is not closed before the end of the file")


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), text)
