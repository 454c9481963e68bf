"""Citations, addresses and quotes in a model's text, put right by code while the text comes."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.workflows.quotes import Wording
from server.workflows.research.model.marks import Counts, Marker, citations_in

SOURCES = (
    "A kettle is “descaled” with\u00a0citric acid — one spoon for each litre.",
    "水壶用柠檬酸 除垢，既方便也很快。",
)
WORDING = Wording([(10, SOURCES[0]), (200, SOURCES[1]), (200 + len(SOURCES[1]) + 1, "It goes on in the next block.")])


def marker(language: str = "en") -> Marker:
    addresses = {"https://known.example/a": "S2"}
    return Marker({"S1": 1, "S2": 2}, addresses, lambda quote: WORDING.find(quote) is not None, language)


def shown(text: str) -> str:
    return marker().whole(text)


CASES = {
    "Lime [S1].": "Lime [1].",
    "Lime [S1][S2], [S2, S1] and [ S2 ; S1 ].": "Lime [1][2], [2][1] and [2][1].",
    "Lime【S2】。": "Lime[2]。",
    "Lime [S9]. More [S1, S9].": "Lime. More [1].",
    "Lime [7] and [^2] and [3, 4] and【5†source】.": "Lime and and and.",
    "See https://made.up/x?y=1, or www.made.up.": "See (address removed), or (address removed).",
    "See [a study](https://made.up/(x)/y).": "See a study (address removed).",
    "See [it](https://known.example/a) and <https://known.example/a>.": "See it [2] and [2].",
    "A picture ![of it](http://made.up/p.png) here.": "A picture here.",
    "[https://made.up](https://made.up)": "(address removed)",
    "An [aside] and an array a[i].": "An [aside] and an array a[i].",
    "`x[0]` and\n```\ny[1]\n```\n": "`x[0]` and\n```\ny[1]\n```\n",
    "# Heading\n## Another\n#tag": "### Heading\n### Another\n#tag",
    "It says “descaled with citric acid - one spoon for each litre”.": (
        "It says “descaled with citric acid - one spoon for each litre”."
    ),
    "它说“水壶用柠檬酸除垢,既方便也很快”[S1]。": "它说“水壶用柠檬酸除垢,既方便也很快”[1]。",
    'He said "kettles were invented by cats on the moon" [S1].': (
        'He said "kettles were invented by cats on the moon" (not found in the sources) [1].'
    ),
    "> Kettles were invented by cats on the moon [S1]\n": (
        "> Kettles were invented by cats on the moon [1] (not found in the sources)\n"
    ),
    'A 5" disk and a "so-called" name.': 'A 5" disk and a "so-called" name.',
    "An open “quote without an end\nand more": "An open “quote without an end\nand more",
    "ends with [": "ends with [",
    "ends with http": "ends with http",
}


@pytest.mark.parametrize("text", CASES)
def test_what_the_model_writes_is_shown_as(text: str) -> None:
    assert shown(text) == CASES[text]


def test_what_was_found_is_counted() -> None:
    one = marker()
    one.whole('A [S1] [S9] https://made.up/ "kettles were invented by cats on the moon" “descaled with citric acid”')
    assert one.counts == Counts(citations=1, rejected_citations=1, removed_links=1, quotes=2, unverified=1)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_shown_does_not_depend_on_the_pieces(seed: int) -> None:
    """However the text is cut, down to single characters."""
    text = "\n".join(CASES) * 2
    whole, pieces, chance = marker(), marker(), random.Random(seed)  # noqa: S311 - no secret
    out, at = "", 0
    while at < len(text):
        size = chance.randint(1, 1 + seed)
        out += pieces.feed(text[at : at + size])
        at += size
    assert (out + pieces.close(), pieces.counts) == (whole.whole(text), whole.counts)


PIECES = st.sampled_from(
    [*'[](){}【】<>"“”「」`#>!\n S1S2^†,.', "http", "https://x.y/", "www.", "S12", "kettle", "水壶"]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=40), st.integers(1, 7))
def test_no_text_gets_a_citation_or_an_address_through(pieces: list[str], size: int) -> None:
    """Of whatever a model writes: each number in brackets is one that may be cited, and no address is left outside of
    code; cut in pieces it comes out the same."""
    text = "".join(pieces)
    whole = shown(text)
    one = marker()
    assert "".join(one.feed(text[at : at + size]) for at in range(0, len(text), size)) + one.close() == whole
    assert set(citations_in(whole)) <= {1, 2}
    if "`" not in text:
        assert "https://x" not in whole


def test_a_quote_is_found_whatever_its_marks_and_spaces_but_not_with_other_words() -> None:
    """And given back as the source has it."""
    found = WORDING.find('a kettle is "descaled" with citric acid')
    assert found is None, "case counts"
    found = WORDING.find('A kettle is "descaled" with  citric acid - one spoon')
    assert found is not None
    assert found.text == "A kettle is “descaled” with\u00a0citric acid — one spoon"
    assert SOURCES[0][found.start - 10 : found.end - 10] == found.text
    assert WORDING.find("既方便也很快。It goes on in the next block") is not None
    assert WORDING.find("one spoon for each gallon") is None
    assert WORDING.find("one spoon") is None, "too short to prove anything"
    assert WORDING.find("") is None
