"""What a volume can do: asked at start, and shown by `holdfast doctor`."""

import contextlib
import errno
import os
import secrets
from pathlib import Path

from server.errors import StoreFailed
from server.stores.base import Finding
from server.stores.volume import Volume

PREFIX = ".probe-"
LOW_SPACE_BYTES = 256 * 1024 * 1024


def hard_links(volume: Volume, folder: Path) -> bool:
    """Whether a second link() to the same name fails and the first one works, as creation needs.

    A volume that is full or failing says nothing about links; what is tried on it fails for its own reason.
    """
    name = folder / f"{PREFIX}{secrets.token_hex(6)}"
    try:
        exclusive = volume.link_new(name, b"1") and not volume.link_new(name, b"2")
        return exclusive and volume.hard_links
    except (OSError, StoreFailed):
        return volume.hard_links
    finally:
        with contextlib.suppress(OSError):
            volume.disk.unlink(name)


def findings(volume: Volume, folder: Path) -> list[Finding]:
    """Check the folder by doing, in a name of its own, what the store does; in its parent while it is missing."""
    found = [Finding("folder", True, str(folder))]
    if not folder.is_dir():
        found = [Finding("folder", True, f"{folder} (will be made)")]
        try:
            folder = _nearest(folder)
        except OSError as error:
            return [Finding("folder", False, f"{folder} can't be made: {error.strerror}. Set TASK_STORAGE_DIR.")]
    probe = folder / f"{PREFIX}{secrets.token_hex(6)}"
    try:
        volume.replace(probe, b"1", durable=True)
        volume.replace(probe, b"2", durable=True)
        replaced = probe.read_bytes() == b"2"
        volume.disk.sync_folder(folder)
        detail = "files are replaced at once" if replaced else "rename() does not replace; use another volume"
        found.append(Finding("write, rename, fsync", replaced, detail))
    except OSError as error:
        detail = f"{error.strerror}; this user needs to read and write {folder}"
        return [*found, Finding("write, rename, fsync", False, detail)]
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()
    links = hard_links(volume, folder)
    detail = "creation and claims are made by link()" if links else "not supported; O_EXCL takes the place of link()"
    found.append(Finding("hard links", True, detail))
    found.append(_flock(volume, folder))
    free = volume.disk.free_bytes(folder)
    roomy = free >= LOW_SPACE_BYTES
    advice = "" if roomy else "; make room, or new tasks will be refused soon"
    found.append(Finding("free space", roomy, f"{free / 2**30:.1f} GiB free{advice}"))
    return found


def _nearest(folder: Path) -> Path:
    """The folder that exists and in which a missing one would be made. :raises OSError: none could be."""
    for above in (folder, *folder.absolute().parents):
        if above.exists():
            if not above.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            if not os.access(above, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            return above
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _flock(volume: Volume, folder: Path) -> Finding:
    path = folder / f"{PREFIX}{secrets.token_hex(6)}"
    handle = volume.disk.open(path, os.O_RDWR | os.O_CREAT)
    try:
        volume.disk.lock(handle)
        works = volume.disk.is_locked(path) is True
    except OSError:
        works = False
    finally:
        volume.disk.close(handle)
        volume.disk.unlink(path)
    detail = (
        "a dead node is noticed after two heartbeats" if works else "no advisory locks: the lease time decides alone"
    )
    return Finding("flock", True, detail)
