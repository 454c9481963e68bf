"""Structures of stories: their turns in order, each with its share of the novel and what it is there for.

The shares of Save the Cat follow Blake Snyder's beat sheet (2005), those of the hero's journey Christopher Vogler's
stages (1992), those of the three acts the usual quarter, half, quarter.
"""

from dataclasses import dataclass

from server.workflows.novel.entities import Book, Language


@dataclass(frozen=True, slots=True)
class Turn:
    """A beat. ``share``: of the whole, in any unit. ``tension``: how much room a chapter of it gets, 1 is usual."""

    name: str
    purpose: str
    share: float
    tension: float = 1.0


_Row = tuple[float, float, str, str, str, str]
_THREE_ACT: list[_Row] = [
    (10, 1.0, "Opening", "the hero's world and what is missing in it", "开端", "主角的世界，以及其中缺少什么"),
    (5, 1.1, "Inciting incident", "something makes it impossible to go on as before", "激励事件", "某事使一切无法照旧"),
    (10, 1.0, "First turning point", "the hero decides and can't go back", "第一转折点", "主角做出决定，再无退路"),
    (20, 1.0, "Rising action", "attempts, allies, opponents, growing cost", "上升动作", "尝试、盟友、对手，代价渐增"),
    (5, 1.2, "Midpoint", "a victory or a defeat changes what it is about", "中点", "一次胜利或失败改变了事情的意义"),
    (20, 1.0, "Complications", "the opponent strikes back, plans fail", "复杂化", "对手反击，计划落空"),
    (
        5,
        1.1,
        "Second turning point",
        "all seems lost, and the last way opens",
        "第二转折点",
        "一切似乎已失，最后的路出现",
    ),
    (15, 1.3, "Climax", "the decisive confrontation", "高潮", "决定性的对抗"),
    (10, 0.9, "Resolution", "what has changed, and what it cost", "结局", "什么改变了，代价是什么"),
]
_SAVE_THE_CAT: list[_Row] = [
    (1, 0.8, "Opening image", "a picture of the world before", "开场画面", "改变之前的世界"),
    (4, 1.0, "Theme stated", "somebody says what it will be about", "点明主题", "有人说出故事要谈的事"),
    (5, 1.0, "Set-up", "the hero, what is wrong, all who matter", "铺垫", "主角、问题所在、重要人物"),
    (2, 1.1, "Catalyst", "the blow that sets it going", "催化剂", "推动一切的一击"),
    (8, 1.0, "Debate", "must it be done, and by whom", "争执", "非做不可吗，由谁来做"),
    (2, 1.1, "Break into two", "the hero chooses the new world", "进入第二幕", "主角选择了新的世界"),
    (8, 1.0, "B story", "the relation that carries the theme", "副线", "承载主题的关系"),
    (20, 1.0, "Fun and games", "what the premise promised", "游戏时间", "兑现设定的承诺"),
    (5, 1.2, "Midpoint", "a false victory or a false defeat", "中点", "虚假的胜利或失败"),
    (15, 1.0, "Bad guys close in", "pressure from outside and from within", "反派逼近", "内外压力并至"),
    (5, 1.1, "All is lost", "the worst that could happen", "一无所有", "最坏的事发生了"),
    (7, 1.0, "Dark night of the soul", "why go on at all", "灵魂黑夜", "为什么还要继续"),
    (2, 1.1, "Break into three", "the answer is found", "进入第三幕", "找到了答案"),
    (14, 1.3, "Finale", "the new way is proven", "结局", "新的道路得到证明"),
    (2, 0.8, "Final image", "the same picture, changed", "终场画面", "同一画面，已经不同"),
]
_HERO_JOURNEY: list[_Row] = [
    (8, 1.0, "Ordinary world", "who the hero is before it begins", "平凡世界", "开始之前的主角"),
    (5, 1.0, "Call to adventure", "the problem that can't be left alone", "冒险的召唤", "不能置之不理的问题"),
    (5, 1.0, "Refusal of the call", "what the hero is afraid of", "拒绝召唤", "主角害怕什么"),
    (6, 1.0, "Meeting the mentor", "what helps: advice, training, a gift", "遇见导师", "助力：指点、训练、馈赠"),
    (5, 1.1, "Crossing the threshold", "into a world with other rules", "跨越门槛", "进入规则不同的世界"),
    (20, 1.0, "Tests, allies, enemies", "the new world is learned", "考验、盟友与敌人", "认识新的世界"),
    (9, 1.0, "Approach", "getting ready for what is worst", "接近洞穴", "为最坏的事做准备"),
    (10, 1.3, "Ordeal", "death is faced", "磨难", "直面死亡"),
    (7, 1.0, "Reward", "what was won, and what it means", "奖赏", "得到了什么，意味着什么"),
    (9, 1.0, "The road back", "consequences follow", "归途", "后果接踵而至"),
    (10, 1.3, "Resurrection", "the last test, with everything at stake", "复活", "最后的考验，赌上一切"),
    (6, 0.9, "Return with the elixir", "what is brought home", "携药而归", "带回了什么"),
]
_ROWS = {"three_act": _THREE_ACT, "save_the_cat": _SAVE_THE_CAT, "hero_journey": _HERO_JOURNEY}


def turns(book: Book, language: Language) -> list[Turn]:
    """The beats of the book's structure, in order."""
    if book.structure == "custom":
        return [Turn(beat.name, beat.purpose, beat.share) for beat in book.beats]
    chinese = language == "zh"
    return [
        Turn(zh if chinese else en, zh_why if chinese else why, share, tension)
        for share, tension, en, why, zh, zh_why in _ROWS[book.structure]
    ]
