"""File systems of one's own: images on loop devices, whose power can be cut, and small ones in memory. For root only.

Whoever uses them runs in a mount namespace of its own, so that nothing stays mounted, however it ends.
"""

import fcntl
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FS_IOC_SHUTDOWN = 0x8004587D
"""_IOR('X', 125, __u32), the same for ext4, XFS and others."""
NO_LOG_FLUSH = 2
"""What is not in the journal on the device by now is gone."""

IMAGE_BYTES = {"ext4": 128 << 20, "xfs": 320 << 20}
MAKE = {
    "ext4": ("mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=1"),
    "xfs": ("mkfs.xfs", "-q", "-f", "-K"),
}
PRIVATE = ("unshare", "--mount", "--propagation", "private")
"""Before a command: it has mounts of its own, which end with it."""


def missing(*programs: str) -> str | None:
    """What keeps this machine from mounting, in words; None where it can."""
    if os.geteuid() != 0:
        return "mounting needs root"
    absent = [name for name in ("mount", "umount", "unshare", *programs) if shutil.which(name) is None]
    if absent:
        return f"{', '.join(absent)} is not installed"
    tried = _try_tmpfs()
    return None if tried.returncode == 0 else f"mounting is refused here: {tried.stderr.strip()}"


def missing_loop(kind: str) -> str | None:
    """The same for an image of this kind of file system."""
    lack = missing("losetup", MAKE[kind][0])
    if lack is None and not Path("/dev/loop-control").exists():
        lack = "there are no loop devices"
    return lack


def _try_tmpfs() -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory(prefix="holdfast-mount-") as folder:
        return subprocess.run(
            [*PRIVATE, "mount", "-t", "tmpfs", "-o", "size=1m", "none", folder],
            capture_output=True,
            text=True,
            check=False,
        )


class LoopVolume:
    """A file system in an image, mounted at ``folder``."""

    def __init__(self, kind: str, image: Path, folder: Path) -> None:
        self.kind, self._image, self.folder = kind, image, folder
        folder.mkdir(exist_ok=True)
        with image.open("wb") as file:
            file.truncate(IMAGE_BYTES[kind])
        _run(*MAKE[kind], str(image))
        self.mount()

    def mount(self) -> None:
        """With what the journal says after a cut."""
        _run("mount", "-t", self.kind, "-o", "loop", str(self._image), str(self.folder))

    def handle(self) -> int:
        """To be opened before the power is cut, and closed before it is unmounted."""
        return os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def unmount(self) -> None:
        _run("umount", str(self.folder))


def cut_power(handle: int) -> None:
    """From now on nothing reaches the device; what was on its way and not yet durable is gone."""
    fcntl.ioctl(handle, FS_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))


@contextmanager
def small_memory_volume(folder: Path, size_bytes: int) -> Iterator[None]:
    """A file system in memory of this size, mounted at ``folder`` for the length of a with-block."""
    _run("mount", "-t", "tmpfs", "-o", f"size={size_bytes},mode=0700", "none", str(folder))
    try:
        yield
    finally:
        _run("umount", "--lazy", str(folder))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
