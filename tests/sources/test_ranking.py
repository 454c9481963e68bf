"""Finding: what is about the question comes first, what is not doesn't come at all."""

import pytest

from server.sources.documents import Block, Document, Kind
from server.sources.query import content_runs, content_words
from server.sources.ranking import Entry, Index
from server.sources.tokens import stem, terms

TEXTS = {
    "tea": "Green tea is brewed with water of eighty degrees. Black tea takes boiling water and three minutes.",
    "sea": "The tide rises twice a day because the moon pulls at the water of the sea.",
    "lock": "A file lock keeps two processes from writing at once. The lock is released when its owner exits.",
    "茶": "绿茶要用八十度的水冲泡。红茶用沸水冲泡三分钟即可。",
    "锁": "文件锁防止两个进程同时写入。持有者退出时锁会自动释放。",
}


@pytest.fixture(scope="module")
def index() -> Index:
    filler = {
        f"filler{n}": f"Paragraph {n} talks of gardens, roads, letters and {word}." for n, word in enumerate("abcdefgh")
    }
    return Index(
        [Entry.of(name, Document(name, (Block(Kind.PROSE, text),))) for name, text in (TEXTS | filler).items()]
    )


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How hot should the water for green tea be?", "tea"),
        ("Why does the tide rise?", "sea"),
        ("When is a file lock released?", "lock"),
        ("绿茶用多少度的水冲泡？", "茶"),
        ("文件锁什么时候释放？", "锁"),
    ],
)
def test_the_right_document_comes_first(index: Index, question: str, expected: str) -> None:
    """In both languages, with one index for both."""
    assert index.search(question)[0].entry.id == expected


@pytest.mark.parametrize(
    "question", ["Who won the chess championship?", "恐龙为什么灭绝？", "???", "how what why", "", "\u00ad"]
)
def test_what_nothing_speaks_to_finds_nothing(index: Index, question: str) -> None:
    """Off topic, or no question at all."""
    assert index.search(question) == []


def test_an_empty_library_finds_nothing() -> None:
    """No document, or one without a word."""
    assert Index([]).search("tea") == []
    assert Index([Entry.of("x", Document("", (Block(Kind.PROSE, "…"),)))]).search("tea") == []


def test_a_chinese_question_finds_english_text_by_the_names_in_it(index: Index) -> None:
    """Where a name says what is meant; a question of common words finds nothing."""
    named = Index(
        [*index.entries, Entry.of("flock", Document("flock", (Block(Kind.PROSE, "The flock call takes a lock."),)))]
    )
    hits = named.search("flock 如何处理异常？")
    assert [(hit.entry.id, hit.foreign) for hit in hits] == [("flock", True)]


def test_the_order_does_not_depend_on_the_order_of_entries(index: Index) -> None:
    """Equal libraries give equal answers."""
    turned = Index(list(reversed(index.entries)))
    for question in ("water", "the lock of a file", "水"):
        a, b = index.search(question), turned.search(question)
        assert [(hit.entry.id, hit.score) for hit in a] == [(hit.entry.id, hit.score) for hit in b]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("installing", "installation"),
        ("configured", "configuration"),
        ("packages", "packaging"),
        ("creates", "creation"),
        ("dependencies", "dependency"),
        ("running", "runs"),
        ("automatically", "automatic"),
        ("handler", "handles"),
    ],
)
def test_forms_of_a_word_meet(a: str, b: str) -> None:
    """Enough for retrieval; no dictionary."""
    assert stem(a) == stem(b)


def test_terms_of_both_scripts() -> None:
    """Words with their parts, pairs of characters, full-width letters as usual ones, soft hyphens ignored."""
    assert terms("os.path 软件包 ＡＢＣ hyphen\u00adation") == [
        "os.path",
        "os",
        "path",
        "软件",
        "件包",
        "abc",
        "hyphen",
    ]


def test_words_that_only_ask_carry_no_meaning() -> None:
    """What is left is what the question names."""
    assert content_words("How do I cancel a running asyncio task?") == ["cancel", "run", "asyncio", "task"]
    assert content_runs("请问如何配置防火墙？") == ["配置防火墙"]
