"""A question → the words to search for, where a provider takes every word for one that has to be there."""

import re
from itertools import islice

from server.sources.query import content_runs, content_words
from server.sources.text import CJK_RUN, has_cjk

MOST_WORDS = 8
MOST_CHARS = 300
"""Chinese has no spaces, so a run may be long; Wikipedia's search takes no more."""
_WORD = re.compile(r"[^\W_](?:[\w.+#'’-]*[\w+#])?")


def words_of(question: str) -> list[str]:
    """Words of alphabets, as they are written, without those that only ask."""
    found = dict.fromkeys(_WORD.findall(CJK_RUN.sub(" ", question)))
    return list(islice((word for word in found if content_words(word)), MOST_WORDS))


def keywords(question: str) -> str:
    """The words and the Chinese runs that name what the question is about; the question where it has none of them."""
    found = words_of(question)
    if has_cjk(question):
        found = [*content_runs(question), *found][:MOST_WORDS]
    return (" ".join(found) or question)[:MOST_CHARS]
