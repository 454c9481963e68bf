"""How the fields of a page are called in forms, in both languages."""

from typing import Any

_WORDS = {
    "key": ("Key", "What it is told apart by.", "标识", "用来区分各个网页。"),
    "title": ("Title", "How it is called in the report.", "标题", "在报告中的名称。"),
    "url": ("Address", "The page to open.", "地址", "要打开的网页。"),
    "steps": ("Steps", "What to do, verb by verb.", "步骤", "要做的事，逐个动作列出。"),
    "recording": (
        "Recording",
        "A JSON export of the Chrome DevTools Recorder.",
        "录制",
        "Chrome DevTools 录制器导出的 JSON。",
    ),
    "fill": ("Form", "Labels and values of a form.", "表单", "表单的标签和值。"),
    "submit": ("Button", "With a form: the button to press in the end.", "按钮", "与表单配合：最后要按的按钮。"),
    "goal": ("Goal", "What is to be reached, in words; needs a model.", "目标", "用文字说明要达到什么；需要模型。"),
    "captures": ("Keep", "What is kept of the page in the end.", "保留", "最后保留网页的哪些内容。"),
    "extract": ("Extract", "Names, each with a selector.", "提取", "名称及各自的选择器。"),
    "accept_status": (
        "Accepted statuses",
        "HTTP statuses that are no failure.",
        "可接受的状态",
        "不算失败的 HTTP 状态码。",
    ),
    "not_before": ("Not before", "A time with its zone.", "不早于", "带时区的时间。"),
    "expires_at": ("Expires", "A time with its zone.", "截止", "带时区的时间。"),
    "priority": ("Priority", "Higher ones first.", "优先级", "数字大的先做。"),
    "retries": (
        "Retries",
        "Further tries after a failure that may pass.",
        "重试次数",
        "可能自行消失的失败之后再试几次。",
    ),
    "timeout_s": ("Seconds", "How long the page may take.", "秒数", "这个网页最多用多久。"),
    "side_effects": ("Has side effects", "Doing it twice may do harm.", "有副作用", "做两次可能造成损害。"),
}


def worded(schema: dict[str, Any]) -> None:
    """Put the words into the JSON Schema of a page."""
    for name, (title, description, zh_title, zh_description) in _WORDS.items():
        schema["properties"][name] |= {
            "title": title,
            "description": description,
            "zh": {"title": zh_title, "description": zh_description},
        }
