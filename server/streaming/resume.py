"""Where a reader goes on: what it has seen, by the id that it sends."""

from dataclasses import dataclass

from server.streaming.sse import parse_event_id


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Read what follows ``after``. ``reset`` says why everything is sent again; ``over``: it has all been seen."""

    after: int
    reset: str | None = None
    over: bool = False


def resume_point(given: str | None, generation: str, last_seq: int | None, ended: int | None = None) -> ResumePoint:
    """
    :param given: the `Last-Event-ID` header or the ``after`` parameter; None or empty when there is none.
    :param last_seq: the last event of this generation as of now; None while that can't be known, and then any id of
        this generation is believed.
    :param ended: the seq of its `done`, if it has ended.
    """
    if not given:
        return ResumePoint(0)
    parsed = parse_event_id(given)
    if parsed is None:
        return ResumePoint(0, reset="unknown_id")
    if parsed[0] != generation:
        return ResumePoint(0, reset="other_generation")
    if last_seq is not None and parsed[1] > last_seq:
        return ResumePoint(0, reset="id_from_the_future")
    return ResumePoint(parsed[1], over=parsed[1] > 0 and parsed[1] == ended)


def reads_on(given: str | None, generation: str) -> bool:
    """Whether who sends this id has read in this life before, and so asks for nothing new."""
    parsed = parse_event_id(given or "")
    return parsed is not None and parsed[0] == generation
