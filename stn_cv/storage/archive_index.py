"""What is in an archive, and where in its file."""

import stat
import tarfile
import threading
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, BinaryIO, Literal

from .addresses import unfit

__all__ = ["Archive", "Entry", "Kind", "Tar", "Zip"]

MOST_MEMBERS = 10**6  # of an archive, with folders; each takes about 300 bytes of memory
LONGEST_NAME = 4096  # characters, as most systems have it
DEEPEST = 64  # folders in one another
BLOCK = 2**20  # bytes
Kind = Literal["folder", "file", "link", "other", "unfit"]
Entry = tuple[str, Kind]  # a name in a folder or an archive, and what it is


class Archive(ABC):
    """What is in an archive, by folder, in its order."""

    def __init__(self) -> None:
        self.folders: dict[str, dict[str, Kind]] = {"": {}}
        self.places: dict[str, Any] = {}  # of files
        self.count = 0

    def add(self, name: str, kind: Kind) -> str:
        """Add a member, whose name may begin with "./", as those of `tar -c .` do."""
        while name.startswith("./"):
            name = name[2:]
        self._count()
        if not _is_fit(name):
            self.folders[""][name] = "unfit"
            return name
        folder, _, last = name.rpartition("/")
        self._add_folder(folder)
        if last in self.folders[folder]:
            raise tarfile.TarError(f"two members have the name {name!r}")
        self.folders[folder][last] = kind
        return name

    def _add_folder(self, folder: str) -> None:
        missing = []
        while folder not in self.folders:
            missing.append(folder)
            folder = folder.rpartition("/")[0]
        for folder in reversed(missing):
            self._count()
            above, _, last = folder.rpartition("/")
            if last in self.folders[above]:
                raise tarfile.TarError(f"{folder!r} is a member, and a folder of others")
            self.folders[above][last] = "folder"
            self.folders[folder] = {}

    def _count(self) -> None:
        self.count += 1
        if self.count > MOST_MEMBERS:
            raise tarfile.TarError(f"it has more than {MOST_MEMBERS} members; make several of it")

    def kind_of(self, name: str) -> Kind | None:
        """What is at a name; None if nothing is."""
        folder, _, last = name.rpartition("/")
        return self.folders.get(folder, {}).get(last)

    def names(self) -> Iterable[str]:
        """Names of all members that are files, in the archive's order."""
        return (name for name in self.places if self.kind_of(name) == "file")

    @abstractmethod
    def read(self, name: str, most: int) -> bytes:
        """A member's bytes, so many at most if that is no negative number."""


class Tar(Archive):
    """Members by their places in the file; nothing is unpacked to find one."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self.file, self.reading = file, threading.Lock()
        with tarfile.open(fileobj=file, mode="r:") as tar:
            for info in tar:
                tar.members.clear()  # type: ignore[attr-defined]  # each takes a thousand bytes
                if not info.isdir():
                    self._add(info)
            _check_end(file, tar.offset)

    def _add(self, info: tarfile.TarInfo) -> None:
        if not info.isreg():
            self.add(info.name, "link" if info.issym() or info.islnk() else "other")
            return
        name = self.add(info.name, "file")
        # A sparse member's bytes do not lie together.
        self.places[name] = info.offset_data, -1 if info.issparse() else info.size

    def read(self, name: str, most: int) -> bytes:
        """A member's bytes, which lie together in the file."""
        offset, size = self.places[name]
        if size < 0:
            raise tarfile.TarError("it is sparse; pack it anew without --sparse")
        with self.reading:
            self.file.seek(offset)
            data: bytes = self.file.read(size if most < 0 else min(size, most))
        return data


class Zip(Archive):
    """Members as the directory at the end of the file lists them."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self.zip = zipfile.ZipFile(file)
        for info in self.zip.infolist():
            if not info.is_dir():
                is_link = stat.S_ISLNK(info.external_attr >> 16)
                name = self.add(info.orig_filename, "link" if is_link else "file")
                self.places[name] = info

    def read(self, name: str, most: int) -> bytes:
        """A member's bytes, unpacked and checked by their sum."""
        with self.zip.open(self.places[name]) as member:
            return member.read(most)


def _check_end(file: BinaryIO, offset: int) -> None:
    """Refuse a tar without an end or with more behind it, of which tarfile says nothing."""
    file.seek(offset)
    block = file.read(tarfile.BLOCKSIZE)
    if len(block) < tarfile.BLOCKSIZE:
        raise tarfile.TarError("its end is missing: it was cut")
    while block:
        if block.count(0) < len(block):
            raise tarfile.TarError(
                f"what follows byte {offset} is no member: it is damaged, or two were joined"
            )
        block = file.read(BLOCK)


def _is_fit(name: str) -> bool:
    """Whether a file system takes a name, and one that is no trap."""
    is_long = len(name) > LONGEST_NAME or name.count("/") > DEEPEST
    return bool(name) and not is_long and "\0" not in name and not unfit(name)
