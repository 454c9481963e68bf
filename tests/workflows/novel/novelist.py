"""An endpoint with a model behind it that plans and writes a novel: what it replies depends on what it is asked."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import orjson

from server.llm.scripted import Rule
from tests.llm.endpoint import Served, listening

STAGES = {
    "write": r"Write chapter (\d+) of",
    "summary": r"Sum up chapter (\d+) in",
    "plan": r"Plan these chapters of (\d+)",
    "volumes": r"Give each of these volumes",
    "characters": r"Who is in this novel\?",
    "world": r"What is the world of this novel\?",
    "timeline": r"List the events of this story",
    "foreshadowing": r"What is planted early",
    "read": r"What is wrong with chapter (\d+)",
}
_ASKED_WORDS = re.compile(r"about (\d+) (?:Chinese characters|words) long")
_NUMBERED = re.compile(r"^(\d+): ", re.M)
_HINT = re.compile(r"^([\w-]+): .*\. ", re.M)

Reply = Callable[[str, str], str]
"""From the stage and the prompt's last message to what the model replies."""


def stage_of(prompt: str) -> tuple[str, int]:
    """The stage that a prompt belongs to, and the chapter that it is about, 0 for none."""
    for stage, mark in STAGES.items():
        if (found := re.search(mark, prompt)) is not None:
            return stage, int(found[1]) if found.groups() else 0
    return "", 0


def chapter_text(number: int, words: int) -> str:
    """Sentences that differ, in two paragraphs, of about so many characters."""
    line = "雾中的第{n}夜，林晓雨数到第{k}盏灯，仍然没有说话。"
    count = max(2, words // 18)
    said = [line.format(n=number, k=k) for k in range(1, count + 1)]
    return "".join(said[: count // 2]) + "\n\n" + "".join(said[count // 2 :])


def honest(stage: str, prompt: str) -> str:
    """What a good model would reply."""
    number = stage_of(prompt)[1]
    match stage:
        case "write":
            found = _ASKED_WORDS.search(prompt)
            return chapter_text(number, int(found[1]) if found else 100)
        case "summary":
            quote = f"雾中的第{number}夜，林晓雨数到第1盏灯，仍然没有说话。"
            asked = prompt.partition("pay off:\n")[2].partition("\nGive with each")[0]
            hints = [found[1] for found in _HINT.finditer(asked)]
            return _json(
                summary=f"第{number}夜，林晓雨在雾中数灯。",
                states=[{"name": "林晓雨", "state": f"第{number}夜之后更沉默"}],
                foreshadowing=[{"id": one, "action": "planted", "quote": quote} for one in hints],
            )
        case "plan":
            numbers = [
                int(one) for one in _NUMBERED.findall(prompt.partition("these turns:\n")[2].partition("\n\n")[0])
            ]
            chapters = [
                {"number": n, "title": f"第{n}盏灯", "summary": f"林晓雨点亮第{n}盏灯。", "cast": ["林晓雨", "无名氏"]}
                for n in numbers
            ]
            return _json(chapters=chapters)
        case "volumes":
            numbers = [int(one) for one in _NUMBERED.findall(prompt.partition("sentences:\n")[2].partition("\n\n")[0])]
            return _json(volumes=[{"number": n, "title": f"卷{n}", "summary": "雾。"} for n in numbers])
        case "characters":
            people = [
                {
                    "name": "林晓雨",
                    "aliases": ["晓雨", "林晓雨"],
                    "role": "医生",
                    "goal": "找到妹妹",
                    "arc": "学会告别",
                },
                {"name": "周 正海", "role": "警察"},
                {"name": "林晓雨", "role": "重复的人"},
            ]
            return _json(characters=people)
        case "world":
            return _json(entries=[{"name": "雾港", "kind": "镇"}, {"name": "灯塔", "kind": "建筑", "inside": "雾港"}])
        case "timeline":
            events = [
                {"title": "失踪", "day": -9, "place": "雾港", "participants": ["林晓雨"], "chapter": 1},
                {"title": "归来", "day": 1, "place": "灯塔", "participants": ["林晓雨", "谁"], "requires": [1, 9]},
            ]
            return _json(events=events)
        case "foreshadowing":
            return _json(foreshadowing=[{"title": "钥匙", "tier": "short"}, {"title": "信", "tier": "long"}])
        case "read":
            fenced = prompt.partition("<data chapter")[2]
            quote = fenced.partition(">\n")[2][:12]
            return _json(problems=[{"quote": quote, "problem": "太突然"}, {"quote": "无此句", "problem": "编造"}])
    return "好。"


def _json(**value: Any) -> str:
    return orjson.dumps(value).decode()


class Novelist(Served):
    """``stages``: stage and chapter of each call, in order. ``faulty``: rules by stage, each for one call of it.
    ``slow``: how replies of a stage are sent.
    """

    def __init__(self, reply: Reply = honest, rule: Rule | None = None) -> None:
        super().__init__([])
        self.reply, self.rule = reply, rule or Rule(piece=200)
        self.faulty: dict[str, list[Rule]] = {}
        self.slow: dict[str, Rule] = {}
        self.stages: list[tuple[str, int]] = []

    def _rule_for(self, body: dict[str, Any]) -> Rule | None:
        last = str(body["messages"][-1]["content"])
        said = [str(message["content"]) for message in reversed(body["messages"])]
        stage, number = next((found for text in said if (found := stage_of(text))[0]), ("", 0))
        self.stages.append((stage, number))
        rule = replace(self.slow.get(stage, self.rule), reply=self.reply(stage if stage_of(last)[0] else "", last))
        if self.faulty.get(stage):
            fault = self.faulty[stage].pop(0)
            return fault if fault.reply else replace(fault, reply=rule.reply)
        return rule

    @property
    def calls_by_step(self) -> dict[str, int]:
        """How often each step of each task was asked for, by task and step."""
        return {f"{key.split(':', 2)[0]}:{key.split(':', 2)[2]}": times for key, times in self.calls.items() if key}


@contextmanager
def serving_novelist(reply: Reply = honest, rule: Rule | None = None) -> Iterator[Novelist]:
    """The endpoint, for the length of a with-block."""
    with listening(Novelist(reply, rule)) as served:
        yield served
