"""Recordings as Chrome's DevTools Recorder exports them, of the pages of `tests.workflows.browse.site`.

Each step has several selectors in the order in which Chrome writes them, offsets, the target, and the events that
followed it.
"""

from typing import Any

VIEWPORT = {
    "type": "setViewport", "width": 1160, "height": 840, "deviceScaleFactor": 1, "isMobile": False, "hasTouch": False,
    "isLandscape": False,
}  # fmt: skip
FORM = {
    "name": "李雷", "city": "bj", "news": "yes", "size": "l", "day": "2027-02-01", "note": "两行\r\ntext",
    "letter": "亲爱的 Ann", "box": "A-1",
}  # fmt: skip
"""What the site has got when the form's recording was played."""


def click(*selectors: Any, x: float = 5, y: float = 5, target: str = "main", **more: Any) -> dict[str, Any]:
    return {
        "type": "click", "target": target, "selectors": [[one] if isinstance(one, str) else one for one in selectors],
        "offsetY": y, "offsetX": x, **more,
    }  # fmt: skip


def change(value: str, *selectors: Any, target: str = "main", **more: Any) -> dict[str, Any]:
    return {
        "type": "change", "value": value, "target": target,
        "selectors": [[one] if isinstance(one, str) else one for one in selectors], **more,
    }  # fmt: skip


def key(name: str) -> list[dict[str, Any]]:
    return [{"type": kind, "target": "main", "key": name} for kind in ("keyDown", "keyUp")]


def form(site: str) -> dict[str, Any]:
    """Fills in the form with each kind of field, reads the terms in a new tab, and sends it."""
    name = ("aria/姓名", "#n", 'xpath///*[@id="n"]', "pierce/#n")
    opened = [{"type": "navigation", "url": site + "/form", "title": "A page"}]
    sent = [{"type": "navigation", "url": site + "/inside", "title": "A page"}]
    return {
        "title": "填写表单 2027-02-01",
        "steps": [
            VIEWPORT,
            {"type": "navigate", "url": site + "/form", "assertedEvents": opened},
            click(*name),
            *key("Shift"),
            change("李雷", *name),
            *key("Tab"),
            change("bj", "aria/City", "p:nth-of-type(2) > label > select", "pierce/p:nth-of-type(2) > label > select"),
            click("aria/News", "p:nth-of-type(3) > label:nth-of-type(1) > input", "pierce/input[name=news]"),
            click("aria/Large", "#gone > input", "xpath//html/body/form/p[3]/label[3]/input", x=6.5, y=7.25),
            change("2027-02-01", "aria/Day", "input[type=date]"),
            change("两行\ntext", "aria/Note", "textarea"),
            click("aria/Letter", "#rich", "text/nothing like this", x=4, y=2),
            change("亲爱的 Ann", "aria/Letter", "#rich"),
            change("A-1", ["x-box", "#code"], "pierce/#code"),
            change("in the frame", "aria/Inner", "#inner", frame=[0]),
            click("aria/Terms", "form > a", "text/Terms", assertedEvents=[]),
            {"type": "waitForElement", "target": site + "/tab", "selectors": [["h1"]], "visible": True, "count": 1},
            click("aria/I agree", "button", "text/I agree", target=site + "/tab"),
            {"type": "waitForElement", "target": "main", "selectors": [["#n"]], "operator": "==",
             "properties": {"value": "李雷"}, "attributes": {"name": "name"}},
            {"type": "scroll", "target": "main", "x": 0, "y": 40},
            click('aria/提交[role="button"]', "form > button", "text/提交", x=10, y=8, assertedEvents=sent),
        ],
    }  # fmt: skip
