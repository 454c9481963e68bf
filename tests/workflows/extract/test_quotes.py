"""Whatever the text, what is found stands at its place: events, facts, times, and what a model says."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from server.workflows.extract.downloads import marked
from server.workflows.extract.events import Origin, read
from server.workflows.extract.grounding import Grounding
from server.workflows.extract.lexicon import Lexicon
from server.workflows.extract.shapes import Told
from server.workflows.extract.statements import statements

ZONE = ZoneInfo("Asia/Shanghai")
LEXICON = Lexicon({"own": ["猫", "feed the cat"]})
CHINESE = (
    "下周三 上个月15号 5月1日 到 至 3日 下午3点半 明天 3天前 今年三季度 2024年 月底 二〇二四年 周一到周五 两个小时前"
)
ENGLISH = "next Friday|May 5|, 2024|at 3pm|from|to|tomorrow|in 2 weeks|Q3|half past three|on the 15th|9-11am|15:30"
FACTS = "开会 付款 猫 met #12 (Closes: #1) v1.2.3 a@b.example http://e.example/(x) 3万元 $1,200.50 138-1234-5678 八块五"
ODD = ["。", "\n", "  * ", " ", "，", "\n\n", "王医生", "在人民医院", "with Ann Lee", "🙂", "e\u0301", "\u200b", "<b>&"]
PIECES = [*CHINESE.split(), *ENGLISH.split("|"), *FACTS.split(), "2024-05-01T10:00Z", *ODD]
texts = st.one_of(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), st.text(max_size=120))
written = st.none() | st.datetimes(datetime(1901, 1, 1), datetime(2198, 1, 1)).map(lambda one: one.replace(tzinfo=ZONE))


@settings(deadline=None)
@example("周一到周五两个小时前", datetime(2000, 1, 1, tzinfo=ZONE))
@given(texts, written)
def test_every_event_and_fact_stands_in_its_text(text: str, written_at: datetime | None) -> None:
    found = read(Origin("u", "t", text, written_at, ZONE), LEXICON, ())
    for event in found.events:
        assert event["quote"]
        assert text[event["start"] : event["end"]] == event["quote"]
        for member in (event["time"], event["amount"]):
            assert member is None or text[member["start"] : member["end"]] == member["text"]
        for words in (event["trigger"], event["place"]):
            assert words is None or words in event["quote"]
    ends = 0
    for fact in found.facts:
        assert text[fact["start"] : fact["end"]] == fact["text"] != ""
        assert fact["start"] >= ends, "none within another"
        ends = fact["end"]
        if fact["kind"] == "time" and fact["value"]["from"] is not None:
            first, last = (datetime.fromisoformat(fact["value"][name]) for name in ("from", "to"))
            assert first <= last


@settings(deadline=None)
@given(texts)
def test_statements_are_in_order_and_leave_out_nothing_but_spaces(text: str) -> None:
    at = 0
    for start, end in statements(text):
        assert at <= start < end
        assert text[at:start].strip() == ""
        at = end
    assert text[at:].strip() == ""


@settings(deadline=None)
@given(texts, texts, st.booleans())
def test_what_a_model_quotes_counts_only_where_it_stands(text: str, other: str, is_there: bool) -> None:
    """Taken out of the text it is found; made up, it is found only if it stands there by chance."""
    quote = (text[len(text) // 3 : 2 * len(text) // 3 + 1] if is_there else other)[:2000]
    told = Told(type="x", quote=quote or "x", time="明天", participants=("王医生",), place="here", amount="$5")
    event = Grounding(Origin("u", "t", text, None, ZONE)).place(told, 0, len(text))
    if is_there and quote.strip():
        assert event is not None
    if event is not None:
        assert text[event["start"] : event["end"]] == event["quote"]
        assert all(one in event["quote"] for one in [*event["participants"], event["place"] or ""])


@settings(deadline=None)
@given(texts, st.lists(st.tuples(st.integers(0, 120), st.integers(1, 40)), max_size=6))
def test_a_page_with_marks_shows_the_text_and_nothing_else(text: str, spans: list[tuple[int, int]]) -> None:
    """Without its tags it is the text, however the quotes overlap."""
    events: list[dict[str, Any]] = [
        {"start": start, "end": min(start + length, len(text)), "type": '<x">', "time": None}
        for start, length in spans
        if start < len(text)
    ]
    shown = marked(text, events)
    for tag in ('<mark title="', "</mark>", "<br>\n"):
        assert shown.count("<mark") == shown.count("</mark>"), tag
    bare = "".join(
        part.partition(">")[2] if index else part
        for index, part in enumerate(shown.replace("</mark>", "").split("<mark"))
    )
    restored = (
        bare.replace("<br>\n", "\n")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", '"')
        .replace("&#x27;", "'")
    )
    assert restored.replace("&amp;", "&") == text
