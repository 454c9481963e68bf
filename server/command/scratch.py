"""A temporary folder of this server's own, so that what is left behind by one that was killed can be told and removed.

A browser puts its profile, and Playwright's driver its files, into the temporary folder of whoever starts them. They
remove these themselves, but not when they are killed along with the server.
"""

import contextlib
import fcntl
import logging
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

PREFIX = "holdfast-server-"
OWNER = "owner"
"""The file in a server's folder that this server holds a lock on, as long as it lives: a pid may mean another process
by now, or be one of another container; a lock ends with whoever holds it."""
UNOWNED_SECONDS = 3600.0
"""After this a folder without that file is nobody's: a server that is just making its own takes no second for it."""
TRIES = 5
AGAIN_SECONDS = 2.0
"""What a killed server's browser still writes while it ends comes back after a removal."""

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def own_temporary_folder() -> Iterator[None]:
    """As long as this lasts, this process and those that it starts have a folder of their own in the temporary one.

    It goes at the end. Those of servers that were killed go meanwhile, in a thread. Where no folder can be made,
    the temporary folder stays as it is.
    """
    outer = Path(tempfile.gettempdir())
    try:
        folder, lock = make_folder(outer)
    except OSError as error:
        logger.warning("no folder of this server's own could be made in %s: %s", outer, error.strerror)
        yield
        return
    Thread(target=remove_left_behind, args=(outer,), daemon=True).start()
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = str(outer)
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def make_folder(outer: Path) -> tuple[Path, int]:
    """A new folder in ``outer``, and the open file whose lock says that it is in use.

    :raises OSError: there is no room, or no permission.
    """
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=outer))
    unlocked = folder / f"{OWNER}.new"
    lock = os.open(unlocked, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Under its name it is there only with its lock, or another server would find it without one.
        unlocked.rename(folder / OWNER)
    except OSError:
        os.close(lock)
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder, lock


def remove_left_behind(outer: Path) -> list[Path]:
    """Remove this user's folders in ``outer`` whose servers are dead; returns those. It may take some seconds."""
    removed = [folder for folder in outer.glob(f"{PREFIX}*") if _is_ours(folder) and _remove_if_left(folder)]
    for folder in removed:
        logger.info("removed %s, which a killed server had left behind", folder)
    return removed


def _is_ours(folder: Path) -> bool:
    """Whether it is a folder, and of the same user: anybody may put a link of that name into a shared folder."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()


def _remove_if_left(folder: Path) -> bool:
    try:
        lock = os.open(folder / OWNER, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return _is_old(folder) and _remove(folder)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # it is held, or this volume has no locks and nothing can be known
        return False
    else:
        return _remove(folder)
    finally:
        os.close(lock)


def _is_old(folder: Path) -> bool:
    try:
        return time.time() - folder.stat().st_mtime > UNOWNED_SECONDS
    except OSError:
        return False


def _remove(folder: Path) -> bool:
    for number in range(TRIES):
        if number:
            time.sleep(AGAIN_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return True
    return False
