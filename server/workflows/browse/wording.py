"""How the fields of pages and of their steps are called in forms, in both languages."""

from collections.abc import Callable, Mapping
from typing import Any

Words = Mapping[str, tuple[str, str, str, str]]
"""Of a field, by its name: title and description in English, then in Chinese."""

OF_PAGES: Words = {
    "key": ("Key", "What it is told apart by.", "标识", "用来区分各个网页。"),
    "title": ("Title", "How it is called in the report.", "标题", "在报告中的名称。"),
    "url": ("Address", "The page to open.", "地址", "要打开的网页。"),
    "steps": ("Steps", "What to do, one after the other.", "步骤", "要做的事，按顺序列出。"),
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
    "side_effects": ("Has side effects", "Whether doing it twice may do harm.", "有副作用", "做两次是否可能造成损害。"),
    "seconds": ("Seconds", "Working time, in seconds.", "秒数", "工作时间，单位为秒。"),
    "tokens": ("Tokens", "Most tokens of the model.", "词元数", "模型最多可用的词元。"),
    "calls": ("Model calls", "Most calls of the model.", "模型调用次数", "最多调用模型的次数。"),
}
OF_STEPS: Words = {
    "type": ("Action", "", "动作", ""),
    "url": ("Address", "", "地址", ""),
    "title": ("Title", "", "标题", ""),
    "steps": ("Steps", "", "步骤", ""),
    "timeout": ("Timeout", "In milliseconds; 5,000 if left out.", "时限", "单位为毫秒；省略则为 5000。"),
    "target": (
        "Target",
        "The address of the pop-up or frame that is meant; the page itself if left out.",
        "目标窗口",
        "所指弹出窗口或框架的地址；省略则为网页本身。",
    ),
    "assertedEvents": (
        "Expected events",
        "The page has to go elsewhere after it.",
        "预期事件",
        "此后网页应跳转到别处。",
    ),
    "frame": ("Frame", "Numbers that lead to a frame, from 0.", "框架", "通向框架的各级序号，从 0 开始。"),
    "selectors": (
        "Selectors",
        "Ways to the element, tried in this order.",
        "选择器",
        "找到元素的各种方式，按顺序尝试。",
    ),
    "selector": ("Selector", "The element that is meant.", "选择器", "所指的元素。"),
    "selectorAttribute": (
        "Attribute for selectors",
        "As the Recorder writes it; it is not used.",
        "选择器属性",
        "录制器写下的内容；不使用。",
    ),
    "attr": ("Attribute", "Take this instead of the text.", "属性", "取这个属性，而不是文字。"),
    "all": ("All", "Of all such elements, not of the first alone.", "全部", "取所有这样的元素，而不只是第一个。"),
    "offsetX": ("Right by", "In pixels from the element's left edge.", "横向位置", "距元素左边缘的像素数。"),
    "offsetY": ("Down by", "In pixels from the element's upper edge.", "纵向位置", "距元素上边缘的像素数。"),
    "button": ("Button", "Which button of the mouse.", "鼠标键", "用鼠标的哪个键。"),
    "deviceType": ("Pointer", "As the Recorder writes it.", "指针设备", "录制器写下的内容。"),
    "duration": ("Duration", "How long it is pressed, in milliseconds.", "按住时间", "按住多久，单位为毫秒。"),
    "value": (
        "Value",
        "A text, an option, or true and false for a box.",
        "值",
        "文字、选项；勾选框则为 true 或 false。",
    ),
    "values": ("Options", "Those to choose.", "选项", "要选择的选项。"),
    "label": ("Label", "Of the field that is meant.", "标签", "所指字段的标签。"),
    "key": ("Key", "As Enter, Tab or a letter.", "按键", "如 Enter、Tab 或一个字母。"),
    "x": ("To the right", "In pixels.", "横向滚动到", "单位为像素。"),
    "y": ("Down", "In pixels.", "纵向滚动到", "单位为像素。"),
    "to_end": ("To the end", "Down until nothing is added.", "滚动到底", "一直向下，直到不再增加内容。"),
    "most": ("Most times", "How often at most, when it goes to the end.", "最多次数", "滚动到底时最多几次。"),
    "width": ("Width", "In pixels.", "宽度", "单位为像素。"),
    "height": ("Height", "In pixels.", "高度", "单位为像素。"),
    "deviceScaleFactor": (
        "Scale",
        "Pixels of the screen for one of the page.",
        "缩放",
        "网页的一个像素对应屏幕的几个。",
    ),
    "isMobile": ("Mobile", "Whether it shows itself as a phone.", "移动设备", "是否表现为手机。"),
    "hasTouch": ("Touch", "Whether it has a touch screen.", "触摸屏", "是否有触摸屏。"),
    "isLandscape": ("Landscape", "Whether it is held sideways.", "横屏", "是否横放。"),
    "operator": ("Comparison", "", "比较", ""),
    "count": ("Number", "Of elements to wait for.", "个数", "要等到几个元素。"),
    "visible": ("Visible", "Whether they have to be seen.", "可见", "元素是否须可见。"),
    "properties": ("Properties", "What they must have.", "特性", "元素须有的特性。"),
    "attributes": ("Attributes", "What they must have.", "属性", "元素须有的属性。"),
    "download": ("Download", "In bytes a second.", "下载速度", "单位为字节每秒。"),
    "upload": ("Upload", "In bytes a second.", "上传速度", "单位为字节每秒。"),
    "latency": ("Latency", "In milliseconds.", "延迟", "单位为毫秒。"),
    "text": ("Text", "What has to stand there.", "文字", "应出现的文字。"),
    "name": ("Name", "What it is kept as: letters, digits, _ and -.", "名称", "保存时的名称：字母、数字、_ 和 -。"),
}


def worded(words: Words) -> Callable[[dict[str, Any]], None]:
    """For `json_schema_extra` of a model: put the words for its fields into its JSON Schema."""

    def add(schema: dict[str, Any]) -> None:
        for name, each in schema["properties"].items():
            title, description, zh_title, zh_description = words[name]
            each |= {"title": title, "zh": {"title": zh_title, "description": zh_description}}
            if description:
                each["description"] = description

    return add
