"""What providers answer, written by us in the forms that they document. No word of it came from one of them."""

from typing import Any

WIKIPEDIA: dict[str, Any] = {
    "batchcomplete": True,
    "continue": {"sroffset": 2, "continue": "-||"},
    "query": {
        "searchinfo": {"totalhits": 2},
        "search": [
            {
                "ns": 0,
                "title": "Kettle & pot",
                "pageid": 11,
                "snippet": 'A <span class="searchmatch">kettle</span> boils water &amp; whistles',
                "timestamp": "2024-05-06T07:08:09Z",
            },
            {"ns": 0, "title": "C++/Boiling?", "pageid": 12, "snippet": "Second.", "timestamp": "2023-01-02T03:04:05Z"},
        ],
    },
}
WIKIPEDIA_ERROR: dict[str, Any] = {"error": {"code": "ratelimited", "info": "Too much.", "docref": "See the help."}}

ARXIV = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/"
      xmlns:arxiv="http://arxiv.org/schemas/atom">
  <link href="http://arxiv.org/api/query?search_query=all:kettle" rel="self" type="application/atom+xml"/>
  <title type="html">ArXiv Query: search_query=all:kettle</title>
  <id>http://arxiv.org/api/abcdefg</id>
  <updated>2024-01-01T00:00:00-05:00</updated>
  <opensearch:totalResults>2</opensearch:totalResults>
  <entry>
    <id>http://arxiv.org/abs/2401.00001v2</id>
    <updated>2024-02-01T10:00:00Z</updated>
    <published>2024-01-02T10:00:00Z</published>
    <title>On the boiling of
  kettles</title>
    <summary>  We boil kettles with a &lt; b &amp; c.
  They whistle at 100 degrees.
</summary>
    <author><name>A. Nobody</name></author>
    <link href="http://arxiv.org/abs/2401.00001v2" rel="alternate" type="text/html"/>
    <link title="pdf" href="http://arxiv.org/pdf/2401.00001v2" rel="related" type="application/pdf"/>
  </entry>
  <entry>
    <id>https://arxiv.org/abs/hep-th/9901001v1</id>
    <published>1999-01-02T10:00:00Z</published>
    <title>Older kettles</title>
    <summary>An older abstract stands here.</summary>
  </entry>
</feed>"""
ARXIV_EMPTY = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns="http://www.w3.org/2005/Atom">
  <id>https://arxiv.org/api/empty</id><title>arXiv Query: search_query=all:nothing</title>
  <opensearch:totalResults>0</opensearch:totalResults>
</feed>"""
ARXIV_ERROR = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>ArXiv Query</title>
  <entry><id>http://arxiv.org/api/errors#what_went_wrong</id><title>Error</title>
    <summary>What went wrong</summary></entry>
</feed>"""

OPENALEX: dict[str, Any] = {
    "meta": {"count": 2, "page": 1, "per_page": 5},
    "results": [
        {
            "id": "https://openalex.org/W1",
            "doi": "https://doi.org/10.1000/kettle.1",
            "title": "Scale in <i>kettles</i>",
            "publication_date": "2021-03-04",
            "primary_location": {"landing_page_url": "https://journal.example/kettle", "pdf_url": None},
            "best_oa_location": {"pdf_url": "https://journal.example/kettle.pdf"},
            "abstract_inverted_index": {"Scale": [0], "forms": [1, 4], "where": [2], "water": [3], "slowly.": [5]},
        },
        {
            "id": "https://openalex.org/W2",
            "doi": None,
            "title": "Without a DOI",
            "publication_date": "2019-01-01",
            "primary_location": None,
            "best_oa_location": None,
            "abstract_inverted_index": None,
        },
    ],
}

CROSSREF: dict[str, Any] = {
    "status": "ok",
    "message-type": "work-list",
    "message-version": "1.0.0",
    "message": {
        "total-results": 2,
        "items": [
            {
                "DOI": "10.1000/Kettle.2",
                "URL": "https://doi.org/10.1000/Kettle.2",
                "title": ["Kettles <sub>2</sub>"],
                "abstract": "<jats:title>Abstract</jats:title><jats:p>Kettles were &amp; are boiled.</jats:p>",
                "issued": {"date-parts": [[2020, 5]]},
                "link": [
                    {"URL": "https://journal.example/2.xml", "content-type": "text/xml"},
                    {"URL": "https://journal.example/2.pdf", "content-type": "application/pdf"},
                ],
            },
            {"DOI": "10.1000/bare", "title": [], "issued": {"date-parts": [[None]]}},
        ],
        "items-per-page": 5,
    },
}

SEARXNG: dict[str, Any] = {
    "query": "kettle",
    "number_of_results": 0,
    "results": [
        {
            "url": "HTTPS://Kettles.Example:443/how#top",
            "title": "How kettles work",
            "content": "They boil.",
            "engine": "one",
            "engines": ["one", "two"],
            "score": 1.5,
            "publishedDate": "2022-02-03T00:00:00",
        },
        {"url": "https://kettles.example/why", "title": "Why kettles work", "content": "", "publishedDate": None},
    ],
    "answers": [],
    "suggestions": [],
    "unresponsive_engines": [],
}
SEARXNG_UNRESPONSIVE: dict[str, Any] = {"query": "kettle", "results": [], "unresponsive_engines": [["one", "timeout"]]}

TAVILY: dict[str, Any] = {
    "query": "kettle",
    "answer": None,
    "images": [],
    "results": [
        {"title": "Kettles", "url": "https://kettles.example/t", "content": "Boil well.", "score": 0.9},
        {"title": "News", "url": "https://kettles.example/n", "content": "New.", "published_date": "2024-04-05"},
    ],
    "response_time": 1.1,
}

BRAVE: dict[str, Any] = {
    "type": "search",
    "query": {"original": "kettle", "more_results_available": True},
    "web": {
        "type": "search",
        "results": [
            {
                "title": "Kettles, <strong>boiled</strong>",
                "url": "https://kettles.example/b",
                "description": "They <strong>boil</strong>.",
                "page_age": "2023-11-12T00:00:00",
                "language": "en",
            },
            {"title": "Pots", "url": "https://kettles.example/p", "description": "They don't."},
        ],
    },
}

EXA: dict[str, Any] = {
    "requestId": "r1",
    "resolvedSearchType": "neural",
    "results": [
        {
            "title": "Kettles",
            "url": "https://kettles.example/e",
            "id": "https://kettles.example/e",
            "publishedDate": "2023-06-07T00:00:00.000Z",
            "author": None,
            "highlights": ["They boil.", "They whistle."],
            "highlightScores": [0.4, 0.3],
        },
        {"title": None, "url": "https://kettles.example/f", "id": "f", "text": "Text instead."},
    ],
    "costDollars": {"total": 0.005},
}
