"""Kinds of characters, formats and endings of files by their names in requirements."""

import re

CHARSETS = {
    "大小写字母": "A-Za-z",
    "英文字母": "A-Za-z",
    "大写字母": "A-Z",
    "小写字母": "a-z",
    "字母": "A-Za-z",
    "英文": "A-Za-z",
    "数字": "0-9",
    "阿拉伯数字": "0-9",
    "下划线": "_",
    "汉字": "\\u4e00-\\u9fa5",
    "中文": "\\u4e00-\\u9fa5",
    "中英文": "\\u4e00-\\u9fa5A-Za-z",
    "特殊字符": "!@#$%^&*",
    "特殊符号": "!@#$%^&*",
    "横线": "\\-",
    "中划线": "\\-",
    "连字符": "\\-",
    "减号": "\\-",
    "空格": " ",
    "点": ".",
    "点号": ".",
    "uppercase letters": "A-Z",
    "uppercase letter": "A-Z",
    "upper-case letters": "A-Z",
    "capital letters": "A-Z",
    "capital letter": "A-Z",
    "lowercase letters": "a-z",
    "lowercase letter": "a-z",
    "lower-case letters": "a-z",
    "letters": "A-Za-z",
    "letter": "A-Za-z",
    "digits": "0-9",
    "digit": "0-9",
    "numbers": "0-9",
    "number": "0-9",
    "underscores": "_",
    "underscore": "_",
    "hyphens": "\\-",
    "hyphen": "\\-",
    "dashes": "\\-",
    "spaces": " ",
    "dots": ".",
    "periods": ".",
    "special characters": "!@#$%^&*",
    "special character": "!@#$%^&*",
    "symbols": "!@#$%^&*",
    "symbol": "!@#$%^&*",
    "alphanumeric characters": "A-Za-z0-9",
}
"""By name: what goes between brackets in a pattern."""

KINDS_OF = {
    "大写字母": "upper",
    "小写字母": "lower",
    "字母": "letter",
    "英文字母": "letter",
    "数字": "digit",
    "特殊字符": "special",
    "特殊符号": "special",
    "uppercase letter": "upper",
    "uppercase letters": "upper",
    "upper-case letters": "upper",
    "capital letter": "upper",
    "capital letters": "upper",
    "lowercase letter": "lower",
    "lowercase letters": "lower",
    "letter": "letter",
    "letters": "letter",
    "digit": "digit",
    "digits": "digit",
    "number": "digit",
    "numbers": "digit",
    "special character": "special",
    "special characters": "special",
    "symbol": "special",
    "symbols": "special",
}

_EMAIL = r"[A-Za-z0-9._-]+@[A-Za-z0-9-]+\.[A-Za-z]{2,6}"
_MOBILE = r"1[3-9]\d{9}"
_URL = r"https?://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(/[A-Za-z0-9._-]*)*"
FORMATS = {
    "邮箱": _EMAIL,
    "电子邮箱": _EMAIL,
    "邮箱地址": _EMAIL,
    "邮件地址": _EMAIL,
    "email": _EMAIL,
    "e-mail": _EMAIL,
    "email address": _EMAIL,
    "e-mail address": _EMAIL,
    "手机号": _MOBILE,
    "手机号码": _MOBILE,
    "手机": _MOBILE,
    "网址": _URL,
    "url": _URL,
    "链接": _URL,
    "身份证号": r"\d{17}[\dX]",
    "身份证": r"\d{17}[\dX]",
    "身份证号码": r"\d{17}[\dX]",
    "邮政编码": r"\d{6}",
    "邮编": r"\d{6}",
}

ENDINGS = frozenset(
    "jpg jpeg png gif bmp webp svg pdf doc docx xls xlsx ppt pptx csv txt md zip rar "
    "mp3 mp4 wav avi mov json xml html".split()
)


def endings_in(listed: str) -> list[str] | None:
    """Of a list of endings; None where something is none that is known."""
    found = [
        one.lower().lstrip(".") for one in re.findall(r"\.?[A-Za-z0-9]+", listed) if one.lower() not in ("or", "and")
    ]
    return list(dict.fromkeys(found)) if found and ENDINGS.issuperset(found) else None
