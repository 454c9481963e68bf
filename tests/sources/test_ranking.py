"""Finding: what is about the question comes first, what is not doesn't come at all."""

import pytest

from server.sources.documents import Block, Document, Kind
from server.sources.query import content_runs, content_words, language_asked, understand
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


def test_what_only_asks_for_a_figure_is_no_content() -> None:
    """*How long*, *how many*, *多大*; elsewhere the same words are names."""
    assert content_words("How many hours does it take?") == ["hour", "tak"]
    assert content_words("How long is a deep copy kept?") == ["deep", "copy", "kept"]
    assert content_runs("新的导入工具可以读取多大的文件？") == ["导入工具", "读取", "文件"]


def test_the_text_at_hand_is_not_asked_about() -> None:
    """It has no reason to call itself a release; where nothing else is named, that is what is asked about."""
    assert content_words("What changed in this release?") == ["chang"]
    assert content_runs("这个版本有哪些变化") == ["变化"]
    assert content_words("What is this module?") == ["modul"]


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("什么是 Debian GNU/Linux？", "zh"),
        ("Debian 只做 GNU/Linux 吗？", "zh"),
        ("如何用 Python 读取 CSV 文件？", "zh"),
        ("What does the word 软件包 mean?", "en"),
        ("dpkg", "en"),
    ],
)
def test_the_language_of_a_question_is_that_in_which_it_asks(question: str, language: str) -> None:
    """However many Latin names it holds."""
    assert language_asked(question) == language


RARITIES = {"capital": 6.0, "franc": 6.5, "lost": 5.0, "root": 3.0, "password": 5.5, "recov": 6.0, "sunday": 9.0}


@pytest.mark.parametrize(
    ("question", "text", "heading", "met"),
    [
        ("What is the capital of France?", "Debian France is an association.", "", False),
        ("What is the capital of France?", "A capital letter is used.", "The capitals field", False),
        ("What is the capital of France?", "Paris is the capital of France.", "", True),
        ("What is the capital of France?", "Paris is the capital.", "France", True),
        ("How do I recover a lost root password?", "Set a new root password.", "The root password", True),
        ("How do I recover a lost root password?", "Set a new root password.", "Users", False),
        ("When is the root password lost on Sunday?", "The root password is lost.", "The root password", True),
        ("Where is root lost on Sunday afternoons?", "The root is lost.", "The root", False),
        ("忘记 root 密码怎么办？", "细节太多，让人忘记了大方向。", "", False),
        ("忘记 root 密码怎么办？", "如果忘记了 root 密码，可以重新设置。", "", True),
        ("如何用 Python 读取 CSV 文件？", "读取文件并显示其内容。", "读取文件", False),
    ],
)
def test_one_word_in_common_is_no_answer(question: str, text: str, heading: str, met: bool) -> None:
    """A text has to name enough of the question, and what is rarest in it."""
    query = understand(question, lambda term: RARITIES.get(term, 4.0))
    assert query.is_met(terms(text), terms(heading)) is met


def test_one_document_is_searched_like_many() -> None:
    """What stands in every passage of a single page is not common for that."""
    page = Document("Notes", (Block(Kind.PROSE, "The new importer reads CSV files of up to 2 GB."),))
    alone = Index([Entry.of("page", page)])
    assert [hit.entry.id for hit in alone.search("How large a file can the new importer read?")] == ["page"]
    assert alone.search("How do I bake bread?") == []


def test_the_language_of_the_question_comes_first() -> None:
    """Where a name is all that is asked about, and both languages have it."""
    texts = {
        "a-en": "dpkg is a tool that installs packages on a system.",
        "b-zh": "dpkg 是一个在系统上安装软件包的工具。",
    }
    both = Index([Entry.of(name, Document(name, (Block(Kind.PROSE, text),))) for name, text in texts.items()])
    assert both.search("什么是 dpkg？")[0].entry.id == "b-zh"
    assert both.search("What is dpkg?")[0].entry.id == "a-en"
