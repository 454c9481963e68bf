"""Text out of HTML is what a reader sees, letter for letter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html as lxml_html

from server.sources.documents import Document, Kind
from server.sources.html import read_html


def read(body: str, head: str = "") -> Document:
    return read_html(f"<html><head>{head}</head><body>{body}</body></html>".encode())


def prose(document: Document) -> list[str]:
    return [block.text for block in document.blocks if block.kind is Kind.PROSE]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p>Call <code>foo</code>() now.</p>", ["Call foo() now."]),
        ("<p>a&nbsp;b\u3000c\n   d</p>", ["a b c d"]),
        ("<p>soft\u00adhyphen stays</p>", ["soft\u00adhyphen stays"]),
        ("<p>one<br>two</p>", ["one", "two"]),
        ("<p>un<b>believ</b>able</p>", ["unbelievable"]),
        ("<div>outer <p>inner</p> tail</div>", ["outer", "inner", "tail"]),
        ("<ul><li>first<ul><li>nested</li></ul>after</li></ul>", ["first", "nested", "after"]),
        ("<table><tr><td>cell one</td><td>cell two</td></tr></table>", ["cell one", "cell two"]),
        ("<p>软件包<em>管理</em>器</p>", ["软件包管理器"]),
        ("<p>before<script>alert(1)</script>after</p>", ["before", "after"]),
        ("<p>see<img src=x>here</p>", ["seehere"]),
        ("<p>a &lt;b&gt; &amp;amp; c</p>", ["a <b> &amp; c"]),
        ("<p hidden>not seen</p><p style='display: none'>nor this</p><p>seen</p>", ["seen"]),
    ],
)
def test_inline_elements_neither_glue_nor_split_words(body: str, expected: list[str]) -> None:
    """White space is made one space, entities are read; what is left out ends the block."""
    assert prose(read(body)) == expected


def test_navigation_is_no_text() -> None:
    """Menus, footers, side bars and lists of links give nothing to quote."""
    document = read(
        "<header><a href=/>Home page of the site</a></header><nav><p>Menu of the site.</p></nav>"
        "<div class='sphinxsidebar'><p>Side bar sentence.</p></div><div role=navigation><p>On to the next.</p></div>"
        "<div class=content><p>The text itself, which is somewhat longer than what surrounds it on this page.</p></div>"
        "<ul><li><a href=/1>A link in a list</a></li></ul><footer><p>All rights reserved.</p></footer>"
    )
    assert prose(document) == ["The text itself, which is somewhat longer than what surrounds it on this page."]


def test_headings_keep_what_links_back_from_them() -> None:
    """A link to the table of contents is the heading itself; only the pilcrow after it is none of it."""
    document = read(
        "<h1>Questions</h1><h2><a class=toc-backref href=#toc>Why is it so?</a><a class=headerlink href=#a>¶</a></h2>"
        "<p>Because it is.</p><h2 id=menu class=nav><span class=next>What comes next?</span></h2><p>Nothing.</p>"
    )
    assert [block.headings for block in document.blocks if block.kind is Kind.PROSE] == [
        ("Questions", "Why is it so?"),
        ("Questions", "What comes next?"),
    ]


@pytest.mark.parametrize(
    "marks",
    [
        "section id=cookie-objects",
        "section id=next-steps",
        "section id=menu",
        "div class=section id=related-documents",
        "div id=file-menu-shell-and-editor",
        "div class=share-of-the-market",
        "dd id=list-of-fields",
        "p id=toc",
        "div class=parameter-list-next",
    ],
)
def test_what_is_named_after_its_subject_is_text(marks: str) -> None:
    """Ids are made from headings, and a part of a name says nothing: cookies and menus are subjects as well."""
    text = "What stands here belongs to the page."
    tag = marks.split()[0]
    document = read(f"<p>{'The rest of the page is longer. ' * 5}</p><{marks}>{text}</{tag}>")
    assert prose(document)[-1] == text


@pytest.mark.parametrize(
    "marks",
    ["div class='sphinxsidebar'", "ul class='toc'", "div class='related links'", "div id=menu", "div class=breadcrumbs",
     "div role=navigation", "p class=next", "div class='cookie-banner open'", "div id=toc"],
)  # fmt: skip
def test_furniture_is_left_out_by_its_whole_name(marks: str) -> None:
    """Names that a text may have as well count only where links are most of what they hold."""
    text = "The text itself, which is somewhat longer than what surrounds it on this page."
    tag = marks.split()[0]
    document = read(f"<p>{text}</p><{marks}><a href=/a>Go on to another page of this site</a> now</{tag}>")
    assert prose(document) == [text]


def test_what_the_page_marks_as_its_main_part_is_read_alone() -> None:
    """As long as most of the text is in there."""
    document = read("<div><p>Around it.</p></div><main><p>Inside of the main part of it all.</p></main>")
    assert prose(document) == ["Inside of the main part of it all."]
    document = read("<main><p>No.</p></main><div><p>Nearly the whole text of this page is outside of it.</p></div>")
    assert "Nearly the whole text of this page is outside of it." in prose(document)


def test_headings_and_terms_stand_above_their_text() -> None:
    """A definition list's term is a heading of its own, which ends with the list; permalinks are no part of it."""
    document = read(
        "<h1>Top<a class=headerlink>¶</a></h1><p>intro</p><h2>Part</h2>"
        "<dl><dt>term</dt><dd>meaning</dd></dl><p>after</p><h2>Next</h2><p>last</p>"
    )
    paths = {block.text: block.headings for block in document.blocks if block.kind is Kind.PROSE}
    assert paths == {
        "intro": ("Top",),
        "meaning": ("Top", "Part", "term"),
        "after": ("Top", "Part"),
        "last": ("Top", "Next"),
    }


def test_code_is_kept_apart() -> None:
    """It helps to find a page, but is not quoted."""
    document = read("<p>prose here</p><pre>x = 1\ny = 2</pre>")
    assert [(block.kind, block.text) for block in document.blocks] == [
        (Kind.PROSE, "prose here"),
        (Kind.CODE, "x = 1 y = 2"),
    ]


@pytest.mark.parametrize(
    ("head", "date"),
    [
        ('<meta property="article:published_time" content="2023-05-06T10:00:00Z">', "2023-05-06"),
        ('<meta name="dc.date" content="2021-12-31">', "2021-12-31"),
        ('<meta name="date" content="last week">', None),
        ("", None),
    ],
)
def test_the_date_is_what_the_page_says(head: str, date: str | None) -> None:
    """Nothing is guessed."""
    assert read("<p>Some text.</p>", head).date == date


def test_xhtml_with_its_own_declaration_is_read() -> None:
    """lxml refuses such text unless it comes as bytes."""
    source = '<?xml version="1.0" encoding="UTF-8"?><html xmlns="http://www.w3.org/1999/xhtml"><body><p>正文</p></body></html>'
    assert prose(read_html(source.encode())) == ["正文"]


def test_endless_nesting_does_not_overflow() -> None:
    """A hostile page of ten thousand open elements."""
    read("<div>" * 10_000 + "<p>deep</p>")


TEXTS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
TAGS = st.sampled_from(["p", "div", "li", "b", "code", "span", "td", "h2", "em"])


@st.composite
def bodies(draw: st.DrawFn) -> str:
    import html as escaping

    pieces = draw(st.lists(st.tuples(TAGS, TEXTS, TEXTS), min_size=1, max_size=8))
    return "".join(f"<{tag}>{escaping.escape(inner)}</{tag}>{escaping.escape(tail)}" for tag, inner, tail in pieces)


@given(bodies())
def test_each_block_stands_in_the_text_of_the_page(body: str) -> None:
    """Checked against lxml's own text, for any mixture of elements."""
    source = f"<html><body>{body}</body></html>".encode()
    whole = " ".join(
        str(lxml_html.document_fromstring(source, parser=lxml_html.HTMLParser(encoding="utf-8")).text_content()).split()
    )
    for block in read_html(source).blocks:
        if block.kind is Kind.PROSE:
            assert block.text in whole
