"""How this process gives memory back that it had taken for something large."""

import ctypes

LARGE_BLOCK_BYTES = 256 * 1024
_M_MMAP_THRESHOLD = -3  # of glibc's malloc.h


def give_large_blocks_back() -> None:
    """Have each large block go back to the system as soon as it is freed.

    glibc does so from the start, until one is freed: from then on it keeps blocks of up to that size, 32 MB at most, to
    use them again. Between them lies what lives longer, so they are seldom used again as a whole, and a server that has
    held one picture of a page after the other grows, with next to nothing alive. See mallopt(3). Other C libraries
    have no such habit, and nothing is changed there.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)
