"""Cases as mind maps, module by module: FreeMind's XML, and XMind's ZIP of JSON."""

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from xml.sax.saxutils import quoteattr

from server.workflows.testcases.files.tables import step_line

_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_WORDS = {
    "en": {
        "title": "Test cases",
        "before": "Preconditions",
        "steps": "Steps",
        "expected": "Expected",
        "source": "Source",
    },
    "zh": {"title": "测试用例", "before": "前置条件", "steps": "步骤", "expected": "预期结果", "source": "依据"},
}
DATED = (1980, 1, 1, 0, 0, 0)
"""Of the files in a ZIP, so that the same result gives the same bytes."""


@dataclass(slots=True)
class Topic:
    """A node of a map, with its priority from 1 if it has one."""

    text: str
    topics: list["Topic"] = field(default_factory=list)
    priority: int | None = None


def tree(result: dict[str, Any]) -> Topic:
    words = _WORDS[result["language"]]
    root = Topic(result["title"] or words["title"])
    modules: dict[str, Topic] = {}
    for case in result["cases"]:
        if case["module"] not in modules:
            modules[case["module"]] = Topic(case["module"])
            root.topics.append(modules[case["module"]])
        own = Topic(f"{case['id']} {case['title']}", priority=case["priority"])
        if case["preconditions"]:
            own.topics.append(Topic(words["before"], [Topic(one) for one in case["preconditions"]]))
        own.topics.append(Topic(words["steps"], [Topic(step_line(one)) for one in case["steps"]]))
        own.topics.append(Topic(words["expected"], [Topic(case["expected"])]))
        if case["source"]:
            own.topics.append(Topic(words["source"], [Topic(case["source"]["quote"])]))
        modules[case["module"]].topics.append(own)
    return root


def freemind_of(result: dict[str, Any]) -> bytes:
    return "\n".join(['<map version="1.0.1">', *_nodes(tree(result), 0), "</map>", ""]).encode(
        "ascii", "xmlcharrefreplace"
    )


def _nodes(topic: Topic, depth: int) -> Iterator[str]:
    text = quoteattr(_NO_XML.sub("�", topic.text), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})
    folded = ' FOLDED="true"' if depth == 2 else ""
    icon = f'<icon BUILTIN="full-{topic.priority}"/>' if topic.priority is not None else ""
    if not topic.topics:
        yield f"<node TEXT={text}/>"
        return
    yield f"<node TEXT={text}{folded}>{icon}"
    for inner in topic.topics:
        yield from _nodes(inner, depth + 1)
    yield "</node>"


def xmind_of(result: dict[str, Any]) -> bytes:
    numbers = iter(range(1, 10**9))

    def topic(told: Topic) -> dict[str, Any]:
        made: dict[str, Any] = {"id": f"topic{next(numbers)}", "class": "topic", "title": _NO_XML.sub("�", told.text)}
        if told.priority is not None:
            made["markers"] = [{"markerId": f"priority-{told.priority}"}]
        if told.topics:
            made["children"] = {"attached": [topic(inner) for inner in told.topics]}
        return made

    root = {**topic(tree(result)), "structureClass": "org.xmind.ui.logic.right"}
    content = [{"id": "sheet1", "class": "sheet", "title": root["title"][:80], "rootTopic": root}]
    files = {
        "content.json": content,
        "metadata.json": {"creator": {"name": "Holdfast", "version": "1"}, "dataStructureVersion": "2"},
        "manifest.json": {"file-entries": {"content.json": {}, "metadata.json": {}}},
    }
    written = BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, value in files.items():
            packed.writestr(zipfile.ZipInfo(name, DATED), json.dumps(value, ensure_ascii=False), zipfile.ZIP_DEFLATED)
    return written.getvalue()
