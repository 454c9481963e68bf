"""What a reader does next, decided from where it is and what its channel has: no waiting, nothing changed."""

from enum import Enum


class Turn(Enum):
    """A reader's next move."""

    TAKE = "take"
    """The ring has events for it."""

    REST = "rest"
    """It has caught up; whatever comes changes the channel."""

    READ = "read"
    """Only the store knows what follows."""

    LEAVE = "leave"
    """This node ends the stream before the task does."""

    END = "end"
    """It has had all there will ever be."""


def turn(*, ended: bool, ahead: bool | None, flowing: bool, owned: bool, draining: bool, closing: bool) -> Turn:
    """
    :param ended: it has had `done`.
    :param ahead: whether the ring has events after its cursor; None when the ring does not reach to the cursor.
    :param flowing: somebody feeds the ring; ``owned``: the task's owner in this node does.
    :param draining: this node hands its tasks over, and nothing more will come of one that it does not own.
    :param closing: this node ends all streams.
    """
    if ended:
        return Turn.END
    if closing:
        return Turn.LEAVE
    if ahead:
        return Turn.TAKE
    if draining and not owned:
        return Turn.LEAVE
    if ahead is False and flowing:
        return Turn.REST
    return Turn.READ
