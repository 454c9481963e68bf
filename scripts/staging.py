"""Real tasks on a server, in every status and of every kind, for pictures to be taken of. Each in both languages."""

import uuid
from typing import Any

import httpx2

LANGUAGES = ("en", "zh")
QUESTIONS = {"en": "How does Holdfast resume a stream", "zh": "Holdfast 怎样续传一个流"}
LONG_WORD = (
    "What does Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft mean in streaming?"
)
LONG_TITLE = {
    "en": f"How does a server resume https://example.org/{'a-very-long-path/' * 8}?after=4096 when nobody watches, "
    "and what is kept of a stream whose reader never comes back?",
    "zh": f"服务器怎样续传 https://example.org/{'a-very-long-path/' * 8}?after=4096，没有人在看的时候，"
    "一个再也没有读者回来的流会留下什么？",
}
REQUIREMENTS = {
    "en": "Username is required and must be between 6 and 20 characters long.\nAge must be between 18 and 60.\n"
    "After 5 consecutive failed login attempts, the account is locked for 30 minutes.\n"
    "The page should look friendly.",
    "zh": "用户名必填，长度6-20位。\n年龄18到60岁。\n连续5次登录失败后锁定账号30分钟。\n页面要美观大方。",
}
DIARIES: dict[str, list[dict[str, Any]]] = {
    "en": [
        {
            "user_id": "alice",
            "texts": [
                {
                    "id": "monday",
                    "written_at": "2024-05-13",
                    "text": "We met Dr Smith at the City Hospital on 3 May 2024 and paid $1,200. "
                    "Next Wednesday at 3 pm I fly to Berlin.",
                }
            ],
        },
        {"user_id": "bob", "texts": [{"text": "Moved house on 1 June 2024. The concert was on 8 June 2024."}]},
    ],
    "zh": [
        {
            "user_id": "张三",
            "texts": [
                {
                    "id": "周一",
                    "written_at": "2024-05-15",
                    "text": "下周三下午3点在人民医院复诊，挂号费50元。昨天和李四去上海出差，住了两晚。",
                }
            ],
        },
        {"user_id": "李四", "texts": [{"text": "2024年6月1日搬家。6月8日晚上7点看演唱会。"}]},
    ],
}
NOVELS: dict[str, dict[str, Any]] = {
    "en": {
        "id": "ledger",
        "title": "The Salt Ledger",
        "genre": "mystery",
        "language": "en",
        "synopsis": "An archivist finds the account book of a drowned man.",
        "chapters": 12,
        "words_per_chapter": 2000,
    },
    "zh": {
        "id": "night",
        "title": "雾港来信",
        "genre": "悬疑",
        "language": "zh",
        "synopsis": "一名医生回到雾港，寻找失踪的妹妹。",
        "chapters": 12,
        "words_per_chapter": 2000,
    },
}
BIBLES: dict[str, dict[str, Any]] = {
    "en": {
        "characters": [
            {"id": "jonathan", "name": "Jonathan Hale", "role": "archivist", "goal": "to find who cut the page out"},
            {"id": "elias", "name": "Elias Thorne", "role": "smuggler", "died": 5},
        ],
        "timeline": [
            {"id": "find", "title": "The ledger is found", "day": 1, "participants": ["jonathan"], "chapter": 1},
            {"id": "talk", "title": "Elias talks", "day": 9, "participants": ["elias"], "requires": ["find"]},
        ],
        "foreshadowing": [{"id": "page", "title": "the missing page", "tier": "long", "planted": 1}],
    },
    "zh": {
        "characters": [
            {"id": "lin", "name": "林晚", "role": "医生", "goal": "找到妹妹"},
            {"id": "zhou", "name": "周沉", "role": "走私者", "died": 5},
        ],
        "timeline": [
            {"id": "letter", "title": "收到来信", "day": 1, "participants": ["lin"], "chapter": 1},
            {"id": "talk", "title": "周沉开口", "day": 9, "participants": ["zhou"], "requires": ["letter"]},
        ],
        "foreshadowing": [{"id": "watch", "title": "停走的怀表", "tier": "long", "planted": 1}],
    },
}


NOVEL_STEPS: dict[str, dict[str, Any]] = {
    "outline": {},
    "import": {"bible": BIBLES},
    "foreshadowing": {},
    "chapter": {"range": {"en": "1-2", "zh": "1-2"}},
    "review": {},
}


def start(origin: str, body: dict[str, Any]) -> str:
    answer = httpx2.post(f"{origin}/api/tasks", json=body).raise_for_status()
    return str(answer.json()["id"])


def settle(origin: str, task_id: str, status: str) -> None:
    while (found := httpx2.get(f"{origin}/api/tasks/{task_id}").json())["status"] != status:
        if found["finished_at"] is not None:
            raise RuntimeError(f"{found['title']} is {found['status']}, not {status}: {found['error']}")


def completed(origin: str, body: dict[str, Any]) -> str:
    task_id = start(origin, body)
    settle(origin, task_id, "completed")
    return task_id


def demo(origin: str, **params: Any) -> str:
    return start(origin, {"kind": "demo", "params": params})


def command(origin: str, task_id: str, verb: str) -> str:
    httpx2.post(f"{origin}/api/tasks/{task_id}/{verb}", json={}).raise_for_status()
    return task_id


def pages_of(origin: str) -> list[dict[str, Any]]:
    """Pages of this server, one of which is not there."""
    captures = ["text", "screenshot", "links"]
    addresses = ("/", "/docs/index.md", "/docs/zh/index.md", "/docs/no-such-page.md")
    return [{"url": origin + address, "captures": captures} for address in addresses]


def session_with_batch(origin: str) -> str:
    session = str(uuid.uuid4())
    batch = {"session": session, "tasks": pages_of(origin)}
    httpx2.post(f"{origin}/api/background_task/start", json=batch).raise_for_status()
    return session


def same(task_id: str) -> dict[str, str]:
    return dict.fromkeys(LANGUAGES, f"/t/{task_id}")


def written_in_each(origin: str, bodies: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {language: f"/t/{completed(origin, body)}" for language, body in bodies.items()}


def of_each_kind(origin: str) -> dict[str, dict[str, str]]:
    """The pages of a completed task of each kind, and of each thing that is done for a novel."""
    bodies: dict[str, dict[str, dict[str, Any]]] = {
        "research": {each: {"query": QUESTIONS[each]} for each in LANGUAGES},
        "research-long": {each: {"query": LONG_TITLE[each]} for each in LANGUAGES},
        "testcases": {
            each: {"kind": "testcases", "params": {"text": REQUIREMENTS[each]}} for each in LANGUAGES
        },
        "extract": {
            each: {"kind": "extract", "params": {"timezone": "Asia/Shanghai", "users": DIARIES[each]}}
            for each in LANGUAGES
        },
        "browse": {each: {"kind": "browse", "params": {"tasks": pages_of(origin)}} for each in LANGUAGES},
    }  # fmt: skip
    found = {name: written_in_each(origin, each) for name, each in bodies.items()}
    for task_type, more in NOVEL_STEPS.items():
        asked = {
            each: novel_of(each, task_type, **{name: value[each] for name, value in more.items()}) for each in LANGUAGES
        }
        found[f"novel-{task_type}"] = written_in_each(origin, asked)
    return found


def novel_of(language: str, task_type: str, **more: Any) -> dict[str, Any]:
    """What asks for this step of the novel; the first one tells all about it."""
    novel = NOVELS[language] if task_type == "outline" else {"id": NOVELS[language]["id"]}
    return {"kind": "novel", "params": {"novel": novel, "task_type": task_type, **more}}
