"""A process of its own that matches other people's regular expressions: one JSON object per line in, one out.

It imports nothing of the server and needs no environment. A match that takes too much of the processor ends the
process, by a timer that the system keeps while the matching goes on: whoever waits for the answer sees the end.
"""

import json
import re
import resource
import signal
import sys

MOST_BYTES = 512 * 1024 * 1024


def main() -> None:
    """Each request: ``{regex, text, seconds, most}``; each answer: ``{matches: [{start, end, groups}], cut}``."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        # Time of this process on the processor, so that a busy machine is no fault of a pattern.
        signal.setitimer(signal.ITIMER_PROF, asked["seconds"])
        answer = found(asked["regex"], asked["text"], asked["most"])
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def found(regex: str, text: str, most: int) -> dict[str, object]:
    """Up to ``most`` matches that are not empty. ``cut``: there are more."""
    matches: list[dict[str, object]] = []
    for match in re.finditer(regex, text):
        if match.end() == match.start():
            continue
        if len(matches) == most:
            return {"matches": matches, "cut": True}
        groups = {name: match.span(name) for name, value in match.groupdict().items() if value}
        matches.append({"start": match.start(), "end": match.end(), "groups": groups})
    return {"matches": matches, "cut": False}


if __name__ == "__main__":
    main()
