"""What a disk may hold after a power cut: everything that was waited for, and of the rest any part.

The model is POSIX's: fsync of a file makes its content last, fsync of a folder the names in it. What was not
waited for may be there, be gone, or, if it is content, be cut in half or zeros.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import cast

from trials.system_calls import Call

DAMAGES: tuple[Callable[[bytes], bytes], ...] = (
    lambda content: content,
    lambda content: b"",
    lambda content: content[: len(content) // 2],
    lambda content: bytes(len(content)),
)


@dataclass
class File:
    """Content, and whether the disk has it."""

    content: bytes = b""
    lasts: bool = False


@dataclass
class Folder:
    """Names as a process sees them, and as the disk has them."""

    names: dict[str, "File | Folder"] = field(default_factory=dict)
    lasting: dict[str, "File | Folder"] = field(default_factory=dict)


class Disk:
    """A folder as it was before, under the calls that change it and call it by another name."""

    def __init__(self, before: Path, called: Path) -> None:
        self._at = called
        self._root = _read(before)

    def apply(self, call: Call) -> None:
        """Do what the call did."""
        match call.name:
            case "openat" if call.creates:
                folder, name = self._place(call.path)
                folder.names.setdefault(name, File())
            case "mkdir":
                folder, name = self._place(call.path)
                folder.names[name] = Folder()
            case "write":
                folder, name = self._place(call.path)
                file = cast(File, folder.names[name])
                file.content, file.lasts = file.content + call.texts[0], False
            case "fsync":
                self._make_last(self._node(call.path))
            case "rename":
                source, old = self._place(call.path)
                target, new = self._place(call.texts[1].decode())
                target.names[new] = source.names.pop(old)
            case "unlink":
                folder, name = self._place(call.path)
                del folder.names[name]

    def after_power_cut(self) -> Iterator["Folder"]:
        """Return every state that the disk may be in, as folders of which all names are there."""
        unsure = [folder for folder in _folders(self._root) if folder.names != folder.lasting]
        for kept in product((True, False), repeat=len(unsure)):
            seen = {id(folder): keep for folder, keep in zip(unsure, kept, strict=True)}
            for damage in DAMAGES:
                yield _survivors(self._root, seen, damage)

    def _place(self, path: str) -> tuple[Folder, str]:
        *folders, name = Path(path).relative_to(self._at).parts
        folder = self._root
        for each in folders:
            folder = cast(Folder, folder.names[each])
        return folder, name

    def _node(self, path: str) -> File | Folder:
        if Path(path) == self._at:
            return self._root
        folder, name = self._place(path)
        return folder.names[name]

    @staticmethod
    def _make_last(node: File | Folder) -> None:
        if isinstance(node, File):
            node.lasts = True
        else:
            node.lasting = dict(node.names)


def replay(before: Path, called: Path, calls: Iterable[Call]) -> Iterator[Folder]:
    """Cut the power after each call, and return every state that the disk may then be in."""
    disk = Disk(before, called)
    for call in calls:
        disk.apply(call)
        yield from disk.after_power_cut()


def write(folder: Folder, path: Path) -> None:
    """Make a real folder of one."""
    path.mkdir(parents=True)
    for name, node in folder.names.items():
        if isinstance(node, File):
            (path / name).write_bytes(node.content)
        else:
            write(node, path / name)


def _read(path: Path) -> Folder:
    """Everything that is there has been for long."""
    names: dict[str, File | Folder] = {
        each.name: _read(each) if each.is_dir() else File(each.read_bytes(), lasts=True)
        for each in path.iterdir()
    }
    return Folder(names, dict(names))


def _folders(folder: Folder) -> Iterator[Folder]:
    yield folder
    for node in {id(node): node for node in (*folder.names.values(), *folder.lasting.values())}.values():
        if isinstance(node, Folder):
            yield from _folders(node)


def _survivors(folder: Folder, seen: dict[int, bool], damage: Callable[[bytes], bytes]) -> Folder:
    names = folder.names if seen.get(id(folder), True) else folder.lasting
    return Folder(
        {
            name: _survivors(node, seen, damage)
            if isinstance(node, Folder)
            else File(node.content if node.lasts else damage(node.content))
            for name, node in names.items()
        }
    )
