"""Ten small validators with the requirements that they were written from. Each says what becomes of an input.

They take what a case puts in, by the names of the requirements, and answer ``ok``, ``refused`` or what a rule says.
"""

import re
from typing import Any


def registration(inputs: dict[str, Any]) -> str:
    name, age = inputs["用户名"], inputs["年龄"]
    if not isinstance(age, int) or len(name) < 6 or len(name) > 20 or not re.fullmatch(r"[A-Za-z0-9_]*", name):
        return "refused"
    return "ok" if age >= 18 and age <= 60 else "refused"


def password(inputs: dict[str, Any]) -> str:
    text = inputs["password"]
    if len(text) < 8 or len(text) > 32:
        return "refused"
    counts = [sum(letter.isupper() for letter in text), sum(letter.islower() for letter in text)]
    counts.append(sum(letter.isdigit() for letter in text))
    return "ok" if min(counts) >= 1 else "refused"


def lockout(inputs: dict[str, Any]) -> str:
    return "锁定账号" if inputs["登录失败次数"] >= 5 else "none"


def discount(inputs: dict[str, Any]) -> str:
    return "打九折" if inputs["会员等级"] == "金卡" and inputs["订单金额"] >= 500 else "none"


def upload(inputs: dict[str, Any]) -> str:
    told = inputs["avatar"]
    if not isinstance(told, dict) or told["file"].rpartition(".")[2] not in ("jpg", "png"):
        return "refused"
    return "ok" if told["bytes"] <= 2_097_152 else "refused"


def booking(inputs: dict[str, Any]) -> str:
    days = []
    for name in ("开始日期", "结束日期"):
        found = re.fullmatch(r"today(?:([+-])(\d+))?", str(inputs[name]))
        if found is None:
            return "refused"
        days.append(int(f"{found[1]}{found[2]}") if found[2] else 0)
    return "ok" if days[0] >= 0 and days[1] >= days[0] else "refused"


def quantity(inputs: dict[str, Any]) -> str:
    count, price = inputs["quantity"], inputs["unit price"]
    if not isinstance(count, int) or isinstance(price, str) or count < 1 or count > 99:
        return "refused"
    return "ok" if price * 100 >= 1 and price <= 9999 else "refused"


def postcode(inputs: dict[str, Any]) -> str:
    text = inputs["邮编"]
    return "ok" if len(text) == 6 and all("0" <= letter <= "9" for letter in text) else "refused"


def shipping(inputs: dict[str, Any]) -> str:
    return "shipping is free" if inputs["order total"] >= 100 and inputs["weight"] <= 30 else "none"


def comment(inputs: dict[str, Any]) -> str:
    title, body = inputs["标题"], inputs["内容"]
    if title == "" or len(title) > 30:
        return "refused"
    return "ok" if len(body) >= 10 and len(body) <= 500 else "refused"


REQUIREMENTS: dict[str, str] = {
    "registration": "用户名长度为6到20个字符，只能包含字母、数字和下划线。年龄必须在18到60岁之间。",
    "password": (
        "The password must be between 8 and 32 characters long. "
        "The password must contain an uppercase letter, a lowercase letter and a digit."
    ),
    "lockout": "连续5次登录失败后锁定账号。",
    "discount": "如果会员等级为金卡且订单金额大于等于500元，则打九折。",
    "upload": "The avatar must not exceed 2 MB; supported formats: jpg, png.",
    "booking": "开始日期不能早于今天。结束日期不得早于开始日期。",
    "quantity": (
        "Quantity must be between 1 and 99.\nUnit price must be at least 0.01 dollars and must not exceed 9999 dollars."
    ),
    "postcode": "邮编为6位数字。",
    "shipping": "If the order total is at least $100 and the weight is at most 30 kg, shipping is free.",
    "comment": "标题必填，不超过30个字。内容不少于10个字，不超过500个字。",
}
