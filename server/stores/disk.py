"""Every call that the file store makes to the operating system, one method each.

What must hold when calls fail, processes die between two of them or power goes away is tried by putting another object
in this one's place: `tests/campaigns/`.
"""

import fcntl
import os
import shutil
from pathlib import Path

FILE_MODE = 0o600
FOLDER_MODE = 0o700


class Disk:
    """The operating system's own. Every method blocks and raises OSError; handles are file descriptors."""

    def open(self, path: Path, flags: int) -> int:
        return os.open(path, flags | os.O_CLOEXEC, FILE_MODE)

    def close(self, handle: int) -> None:
        os.close(handle)

    def write(self, handle: int, content: bytes | memoryview) -> int:
        """How many bytes were taken: perhaps fewer than given."""
        return os.write(handle, content)

    def write_at(self, handle: int, content: bytes, offset: int) -> int:
        return os.pwrite(handle, content, offset)

    def read_at(self, handle: int, size: int, offset: int) -> bytes:
        """At most ``size`` bytes; fewer only at the file's end."""
        return os.pread(handle, size, offset)

    def size(self, handle: int) -> int:
        return os.fstat(handle).st_size

    def truncate(self, handle: int, size: int) -> None:
        os.ftruncate(handle, size)

    def sync(self, handle: int) -> None:
        os.fsync(handle)

    def sync_data(self, handle: int) -> None:
        os.fdatasync(handle)

    def sync_folder(self, path: Path) -> None:
        """Make the names in a folder durable."""
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def link(self, existing: Path, new: Path) -> None:
        os.link(existing, new)

    def rename(self, old: Path, new: Path) -> None:
        os.rename(old, new)

    def unlink(self, path: Path) -> None:
        os.unlink(path)

    def make_folder(self, path: Path) -> None:
        os.mkdir(path, FOLDER_MODE)

    def remove_tree(self, path: Path) -> None:
        """A folder with all that is in it; what can't be removed stays."""
        shutil.rmtree(path, ignore_errors=True)

    def names(self, folder: Path) -> list[str]:
        return os.listdir(folder)

    def exists(self, path: Path) -> bool:
        """A volume that can't say raises: whoever asks for a newer claim must not take that for a no."""
        try:
            os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def version(self, path: Path) -> tuple[int, int, int]:
        """Something that is another for each file that has ever borne this name, and for each change of it."""
        found = os.stat(path)
        return (found.st_ino, found.st_mtime_ns, found.st_size)

    def lock(self, handle: int) -> None:
        """Take the advisory lock, which ends with the process. :raises BlockingIOError: it is held."""
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def is_locked(self, path: Path) -> bool | None:
        """Whether some process holds this advisory lock; None where that can't be known."""
        try:
            handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return None
        else:
            return False
        finally:
            os.close(handle)

    def free_bytes(self, folder: Path) -> int:
        return shutil.disk_usage(folder).free

    def total_bytes(self, folder: Path) -> int:
        """What is used and what may be used; what the volume keeps back for its administrator is neither."""
        usage = shutil.disk_usage(folder)
        return usage.used + usage.free
