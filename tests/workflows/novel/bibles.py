"""Two bibles that hold together, Chinese and English, and twenty contradictions that can be put into them."""

import copy
from collections.abc import Callable
from typing import Any

from server.workflows.novel.bible import Bible, changes_of
from server.workflows.novel.params import BibleInput

Content = dict[str, Any]

CHINESE: Content = {
    "book": {
        "title": "雾港来信",
        "genre": "悬疑",
        "language": "zh",
        "chapters": 8,
        "words_per_chapter": 100,
        "volumes": 2,
        "synopsis": "医生林晓雨回到雾港，寻找三年前失踪的妹妹。",
    },
    "volumes": [
        {"number": 1, "title": "归来", "first": 1, "last": 4, "words": 400},
        {"number": 2, "title": "灯塔", "first": 5, "last": 8, "words": 400},
    ],
    "chapters": [
        {"number": 1, "title": "雨夜", "words": 100, "cast": ["lin", "zhou"], "day": 1, "place": "station"},
        {"number": 2, "title": "旧宅", "words": 100, "cast": ["lin"], "day": 2, "place": "house"},
        {"number": 3, "title": "三年前", "words": 100, "cast": ["lin", "sister"], "day": -1000, "flashback": True},
        {"number": 4, "title": "码头", "words": 100, "cast": ["lin", "zhou", "chen"], "day": 3, "place": "dock"},
        {"number": 5, "title": "灯塔", "words": 100, "cast": ["lin", "chen"], "day": 5, "place": "tower"},
        {"number": 6, "title": "雾", "words": 100, "cast": ["lin", "zhou"], "day": 6},
        {"number": 7, "title": "审问", "words": 100, "cast": ["zhou", "mayor"], "day": 7, "place": "station"},
        {"number": 8, "title": "来信", "words": 100, "cast": ["lin"], "day": 9, "place": "house"},
    ],
    "characters": [
        {"id": "lin", "name": "林晓雨", "aliases": ["晓雨", "林医生"], "role": "医生", "born": -11000},
        {"id": "sister", "name": "林晓雪", "aliases": ["晓雪"], "role": "妹妹", "born": -9000, "died": -990},
        {"id": "zhou", "name": "周正海", "aliases": ["周警官"], "role": "警察"},
        {"id": "chen", "name": "陈渡", "role": "守塔人", "died": 5},
        {"id": "mayor", "name": "欧阳远山", "aliases": ["欧阳镇长"], "role": "镇长"},
    ],
    "world": [
        {"id": "port", "name": "雾港", "kind": "镇"},
        {"id": "station", "name": "警署", "inside": "port"},
        {"id": "house", "name": "林家旧宅", "inside": "port"},
        {"id": "dock", "name": "三号码头", "inside": "port"},
        {"id": "tower", "name": "灯塔", "inside": "port"},
        {"id": "lamp", "name": "灯室", "inside": "tower"},
    ],
    "timeline": [
        {"id": "lost", "title": "晓雪失踪", "order": 1, "day": -1000, "place": "dock", "participants": ["sister"]},
        {
            "id": "fall",
            "title": "晓雪坠海",
            "order": 2,
            "day": -990,
            "place": "tower",
            "participants": ["sister", "chen"],
            "deaths": ["sister"],
            "requires": ["lost"],
        },
        {
            "id": "back",
            "title": "回到雾港",
            "order": 3,
            "day": 1,
            "part": "evening",
            "place": "station",
            "participants": ["lin", "zhou"],
            "chapter": 1,
        },
        {
            "id": "key",
            "title": "发现钥匙",
            "order": 4,
            "day": 2,
            "part": "morning",
            "place": "house",
            "participants": ["lin"],
            "chapter": 2,
            "requires": ["back"],
        },
        {
            "id": "watch",
            "title": "跟踪",
            "order": 5,
            "day": 3,
            "part": "evening",
            "place": "dock",
            "participants": ["lin", "chen"],
            "chapter": 4,
        },
        {
            "id": "search",
            "title": "搜查警署档案",
            "order": 5,
            "day": 3,
            "part": "morning",
            "place": "station",
            "participants": ["lin", "zhou"],
        },
        {
            "id": "death",
            "title": "守塔人之死",
            "order": 6,
            "day": 5,
            "part": "night",
            "place": "tower",
            "participants": ["lin", "chen"],
            "deaths": ["chen"],
            "chapter": 5,
            "requires": ["watch", "key"],
        },
        {
            "id": "lampfire",
            "title": "灯室起火",
            "order": 6,
            "day": 5,
            "part": "night",
            "place": "lamp",
            "participants": ["lin"],
            "chapter": 5,
        },
        {
            "id": "memory",
            "title": "回想守塔人",
            "order": 7,
            "day": 6,
            "participants": ["chen", "lin"],
            "flashback": True,
        },
        {
            "id": "letter",
            "title": "最后一封信",
            "order": 9,
            "day": 9,
            "place": "house",
            "participants": ["lin"],
            "chapter": 8,
            "requires": ["death"],
        },
    ],
    "foreshadowing": [
        {
            "id": "f-key",
            "title": "生锈的钥匙",
            "tier": "medium",
            "planted": 2,
            "reinforced": [4],
            "paid": 5,
            "status": "planted",
            "evidence": [{"chapter": 2, "quote": "一把生锈的钥匙"}],
        },
        {
            "id": "f-letter",
            "title": "没有署名的信",
            "tier": "long",
            "planted": 1,
            "target_from": 7,
            "target_to": 8,
            "status": "planted",
        },
    ],
    "texts": [
        {
            "number": 1,
            "title": "雨夜",
            "text": "火车到站时已是深夜。林晓雨撑开伞，看见周正海站在警署的灯下。“林医生，"
            "你不该回来。”周警官把烟掐灭，递来一封没有署名的信。她没有回答，只把信收进口袋。雾从海上漫过来，街灯一盏一盏暗下去，"
            "只有灯塔还亮着。",
        },
        {
            "number": 2,
            "title": "旧宅",
            "text": "旧宅的门已经朽了。晓雨在抽屉底下摸到一把生锈的钥匙，柄上刻着一座塔。她想起妹妹"
            "说过的话，想起那年夏天的海。窗外有人走过，脚步声停在门口，又慢慢远去。林晓雨握紧钥匙，直到手心发疼，也没有出声。",
        },
    ],
}

ENGLISH: Content = {
    "book": {
        "title": "The Salt Ledger",
        "genre": "mystery",
        "language": "en",
        "chapters": 6,
        "words_per_chapter": 60,
        "volumes": 1,
        "synopsis": "An archivist finds a drowned man's account book.",
    },
    "volumes": [{"number": 1, "title": "Salt", "first": 1, "last": 6, "words": 360}],
    "chapters": [
        {"number": n, "title": title, "words": 60, "cast": cast, "day": day, "place": place}
        for n, title, cast, day, place in [
            (1, "The Archive", ["jonathan"], 1, "archive"),
            (2, "The Widow", ["jonathan", "margaret"], 2, "manor"),
            (3, "The Quay", ["jonathan", "elias"], 3, "quay"),
            (4, "The Ledger", ["jonathan", "margaret"], 4, "archive"),
            (5, "The Storm", ["elias", "jonathan"], 5, "quay"),
            (6, "The Account", ["jonathan", "margaret"], 6, "manor"),
        ]
    ],
    "characters": [
        {"id": "jonathan", "name": "Jonathan Hale", "aliases": ["Jonathan"], "role": "archivist"},
        {"id": "margaret", "name": "Margaret Voss", "aliases": ["Mrs Voss"], "role": "widow"},
        {"id": "elias", "name": "Elias Thorne", "aliases": ["Thorne"], "role": "smuggler", "died": 5},
        {"id": "august", "name": "August Voss", "role": "the drowned man", "born": -15000, "died": -30},
    ],
    "world": [
        {"id": "town", "name": "Saltmere"},
        {"id": "archive", "name": "the town archive", "inside": "town"},
        {"id": "manor", "name": "Voss Manor"},
        {"id": "quay", "name": "the old quay", "inside": "town"},
    ],
    "timeline": [
        {
            "id": "drowning",
            "title": "August drowns",
            "order": 1,
            "day": -30,
            "place": "quay",
            "participants": ["august", "elias"],
            "deaths": ["august"],
        },
        {
            "id": "find",
            "title": "The ledger is found",
            "order": 2,
            "day": 1,
            "part": "morning",
            "place": "archive",
            "participants": ["jonathan"],
            "chapter": 1,
        },
        {
            "id": "visit",
            "title": "The visit",
            "order": 3,
            "day": 2,
            "part": "afternoon",
            "place": "manor",
            "participants": ["jonathan", "margaret"],
            "chapter": 2,
            "requires": ["find"],
        },
        {
            "id": "deal",
            "title": "The deal",
            "order": 4,
            "day": 3,
            "until": 4,
            "part": "night",
            "place": "quay",
            "participants": ["elias"],
            "chapter": 3,
        },
        {
            "id": "read",
            "title": "The page is read",
            "order": 5,
            "day": 4,
            "part": "morning",
            "place": "archive",
            "participants": ["jonathan", "margaret"],
            "chapter": 4,
            "requires": ["visit"],
        },
        {
            "id": "storm",
            "title": "The storm",
            "order": 6,
            "day": 5,
            "part": "night",
            "place": "quay",
            "participants": ["elias", "jonathan"],
            "deaths": ["elias"],
            "chapter": 5,
            "requires": ["deal", "read"],
        },
    ],
    "foreshadowing": [
        {
            "id": "f-page",
            "title": "the missing page",
            "planted": 1,
            "reinforced": [2],
            "paid": 4,
            "status": "planted",
            "evidence": [{"chapter": 1, "quote": "one page had been cut away"}],
        },
    ],
    "texts": [
        {
            "number": 1,
            "title": "The Archive",
            "text": "Jonathan Hale opened the ledger where the salt had dried, and saw "
            "that one page had been cut away. The names went down to the winter; after that there was nothing but a "
            "blot. He asked himself who keeps a book of debts and then takes a knife to it. Outside, Saltmere slept "
            "under the rain, and Jonathan turned the lamp lower.",
        },
    ],
}


def bible_of(content: Content) -> Bible:
    """As an import would leave it."""
    entities = BibleInput.model_validate(content).entities
    return Bible().after([{"set": changes_of(entities), "drop": [], "by": "person"}])


def changed(content: Content, change: Callable[[Content], None]) -> Bible:
    """With one thing changed."""
    other = copy.deepcopy(content)
    change(other)
    return bible_of(other)


def one(content: Content, kind: str, name: str | int) -> Content:
    """The entity of this id or number, to be changed."""
    found: Content = next(each for each in content[kind] if name in (each.get("id"), each.get("number")))
    return found


def _set(kind: str, name: str | int, **values: Any) -> Callable[[Content], None]:
    return lambda content: one(content, kind, name).update(values)


def _add(kind: str, **values: Any) -> Callable[[Content], None]:
    return lambda content: content[kind].append(values)


PLANTED: list[tuple[str, str, Content, Callable[[Content], None], str]] = [
    ("cycle", "event:back", CHINESE, _set("timeline", "back", requires=["key"]), "an event needs what needs it"),
    ("cycle", "event:find", ENGLISH, _set("timeline", "find", requires=["storm"]), "round over four events"),
    (
        "prerequisite_later",
        "event:key",
        CHINESE,
        _set("timeline", "key", requires=["back", "watch"]),
        "what is needed is later",
    ),
    ("two_places", "event:search", CHINESE, _set("timeline", "search", part="evening"), "警署 and 码头 on one evening"),
    (
        "two_places",
        "event:deal",
        ENGLISH,
        _add("timeline", id="dinner", title="Dinner", day=3, part="night", place="manor", participants=["elias"]),
        "the manor and the quay in one night",
    ),
    ("dead_acting", "chapter:6", CHINESE, _set("chapters", 6, cast=["lin", "chen"]), "a dead man in a later chapter"),
    (
        "dead_acting",
        "event:visit",
        ENGLISH,
        _set("timeline", "visit", participants=["jonathan", "august"]),
        "the drowned man pays a visit",
    ),
    (
        "dead_in_order",
        "event:oath",
        CHINESE,
        lambda content: content["timeline"].extend(
            [
                {"id": "fate", "title": "镇长之死", "order": 8, "participants": ["mayor"], "deaths": ["mayor"]},
                {"id": "oath", "title": "立誓", "order": 9, "participants": ["mayor"]},
            ]
        ),
        "by the order alone, without a day",
    ),
    ("dies_twice", "character:chen", CHINESE, _set("timeline", "letter", deaths=["chen"]), "dies again"),
    ("death_days_differ", "character:august", ENGLISH, _set("characters", "august", died=-20), "two days of death"),
    ("before_birth", "event:lost", CHINESE, _set("characters", "sister", born=-995), "acts before being born"),
    ("died_before_birth", "character:august", ENGLISH, _set("characters", "august", born=10), "dies before birth"),
    ("span_backwards", "event:deal", ENGLISH, _set("timeline", "deal", until=2), "ends before it begins"),
    ("order_against_day", "event:search", CHINESE, _set("timeline", "search", order=2), "order and day disagree"),
    ("chapters_go_back", "chapter:7", CHINESE, _set("chapters", 7, day=4), "back in time without a flashback"),
    (
        "unknown_reference",
        "event:storm",
        ENGLISH,
        _set("timeline", "storm", participants=["elias", "jonathan", "nobody"]),
        "somebody who is not there",
    ),
    (
        "duplicate_name",
        "character:lin",
        CHINESE,
        _set("characters", "sister", aliases=["晓雨"]),
        "two who share a name",
    ),
    (
        "paid_before_planted",
        "foreshadowing:f-page",
        ENGLISH,
        _set("foreshadowing", "f-page", paid=1, reinforced=[]),
        "pays off in the chapter that plants it",
    ),
    ("chapter_in_two_volumes", "chapter:4", CHINESE, _set("volumes", 2, first=4, words=500), "volumes overlap"),
    (
        "evidence_missing",
        "foreshadowing:f-key",
        CHINESE,
        _set("foreshadowing", "f-key", evidence=[{"chapter": 2, "quote": "一把崭新的钥匙"}]),
        "a quote that stands nowhere",
    ),
    (
        "place_inside_itself",
        "world:port",
        CHINESE,
        _set("world", "port", inside="lamp"),
        "places that lie in one another",
    ),
    (
        "outside_chapters",
        "event:letter",
        CHINESE,
        _set("timeline", "letter", chapter=12),
        "a chapter that there is not",
    ),
    (
        "window_backwards",
        "foreshadowing:f-letter",
        CHINESE,
        _set("foreshadowing", "f-letter", target_from=9, target_to=7),
        "a window that ends before it begins",
    ),
    (
        "reinforced_outside",
        "foreshadowing:f-key",
        CHINESE,
        _set("foreshadowing", "f-key", reinforced=[1]),
        "reinforced before it is planted",
    ),
    ("unknown_reference", "chapter:2", CHINESE, _set("chapters", 2, place="nowhere"), "a place that is not there"),
    ("before_birth", "event:back", CHINESE, _set("characters", "zhou", born=2), "meets somebody before being born"),
    (
        "died_before_birth",
        "character:mayor",
        CHINESE,
        _set("characters", "mayor", born=5, died=1),
        "the other way round",
    ),
    ("span_backwards", "event:watch", CHINESE, _set("timeline", "watch", until=1), "ends before it begins"),
    ("death_days_differ", "character:sister", CHINESE, _set("characters", "sister", died=-980), "ten days apart"),
]
"""Code, where it is to be found, the bible, what is changed in it, and what that is."""
