"""What a report of a batch says, in both languages."""

WORDS = {
    "en": {
        "heading": "Events",
        "none": "no events",
        "failed": "failed",
        "more": "{count} more events are in the files.",
        "rest": "How the users from here on fared is in the files.",
        "summary": "In all",
        "counts": "{completed} of {users} users read, {failed} failed; {events} events, {facts} facts; "
        "{ungrounded} events of the model's did not stand in the texts and are not counted.",
        "type": "type",
        "number": "events",
    },
    "zh": {
        "heading": "事件",
        "none": "没有事件",
        "failed": "失败",
        "more": "另有 {count} 个事件见文件。",
        "rest": "其余用户的情况见文件。",
        "summary": "合计",
        "counts": "共 {users} 个用户，已处理 {completed}，失败 {failed}；事件 {events} 个，事实 {facts} 个；"
        "模型所述事件中有 {ungrounded} 个在原文中找不到，不计入。",
        "type": "类型",
        "number": "事件数",
    },
}

TYPES_IN_CHINESE = {
    "meeting": "会议", "appointment": "预约", "payment": "付款", "refund": "退款", "purchase": "购买",
    "delivery": "配送", "travel": "出行", "call": "通话", "visit": "拜访", "complaint": "投诉", "contract": "合同",
    "employment": "任职", "study": "学习", "health": "健康", "family": "家庭", "moving": "搬迁", "accident": "事故",
    "outage": "故障", "release": "发布", "fix": "修复", "deadline": "截止", "loan": "借贷", "other": "其他",
}  # fmt: skip
"""What a report calls the types of the lexicon; files have the types themselves."""


def type_name(event_type: str, language: str) -> str:
    """As it is where it is somebody's own."""
    return TYPES_IN_CHINESE.get(event_type, event_type) if language == "zh" else event_type
