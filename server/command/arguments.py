"""What stands on the command line and in the environment, explained in both languages: usage, help, what is wrong."""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NoReturn, get_args, get_origin

from pydantic import SecretStr, ValidationError

from server.command.terminal import Voice, columns_of
from server.settings import PROVIDER_NAMES, Settings

WRONG_USAGE = 2
BOUNDS = {"ge": ("at least", "不小于"), "gt": ("above", "大于"), "le": ("at most", "不大于"), "lt": ("below", "小于")}
"""The names that pydantic's bounds have, and what they say."""
SHOWN_CHARS = 60

CHINESE_FAULTS = (
    (r"the following arguments are required: (.+)", r"缺少参数：\1"),
    (r"unrecognized arguments: (.+)", r"无法识别的参数：\1"),
    (r"argument (.+?): invalid choice: (.+?) \(choose from (.+)\)", r"\1 不能是 \2，可选：\3"),
    (r"argument (.+?): expected one argument", r"\1 需要一个值"),
    (r"argument (.+?): ignored explicit argument (.+)", r"\1 不带值，而给出的是 \2"),
    (r"ambiguous option: (.+?) could match (.+)", r"选项 \1 不明确，可能是 \2"),
    (r"argument (.+?): (.+)", r"\1：\2"),
)
"""argparse's own sentences, as patterns, and what they are in Chinese. One that has no row stays as it is."""

ADDRESS = ("an http or https address without user, password or query", "不含用户名、密码和查询串的 http 或 https 地址")
KEY_FILE = ("a readable file with a key in it", "可以读取、内有密钥的文件")
PROVIDERS = ", ".join(PROVIDER_NAMES)
PLACES = {
    "openai_base_url": ADDRESS,
    "searxng_url": ADDRESS,
    "openai_api_key_file": KEY_FILE,
    "tavily_api_key_file": KEY_FILE,
    "brave_api_key_file": KEY_FILE,
    "exa_api_key_file": KEY_FILE,
    "openalex_api_key_file": KEY_FILE,
    "webhook_secret_file": KEY_FILE,
    "webhook_urls": (
        "http or https addresses without user or password, with a WEBHOOK_SECRET of 24 bytes or more beside them",
        "不含用户名和密码的 http 或 https 地址，并同时设置至少 24 字节的 WEBHOOK_SECRET",
    ),
    "search_contact": ("a mail address", "邮箱地址"),
    "search_providers": (f"some of {PROVIDERS}", f"以下名称中的若干个：{PROVIDERS}"),
}
HIDDEN = frozenset({"openai_base_url", "searxng_url", "webhook_urls"}) | {
    name for name, field in Settings.model_fields.items() if field.annotation is SecretStr
}
"""What is in them is not told again: there may be a password in it, even where it does not belong."""

_PIECE = re.compile(r"\s+|(?:[!-~]+|.)[，。；：、）？！]*")


class ChineseFormatter(argparse.HelpFormatter):
    """Help in Chinese: lines are broken by the columns that they take, since there are no spaces to break them at."""

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[Any],
        prefix: str | None = None,
    ) -> None:
        super().add_usage(usage, actions, groups, "用法：" if prefix is None else prefix)

    def _split_lines(self, text: str, width: int) -> list[str]:
        return list(broken(text, width))

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(indent + line for line in broken(text, width - len(indent)))


def broken(text: str, columns: int) -> Iterator[str]:
    """The text as lines of at most so many columns, unless a word is wider; no line begins with a full stop."""
    line = ""
    for piece in _PIECE.findall(text):
        if line.strip() and columns_of(line + piece.rstrip()) > columns:
            yield line.rstrip()
            line = ""
        line += piece if line else piece.lstrip()
    if line.strip():
        yield line.rstrip()


class Parser(argparse.ArgumentParser):
    """argparse in the user's language."""

    def __init__(self, *, voice: Voice, **others: Any) -> None:
        if voice.chinese:
            others["formatter_class"] = ChineseFormatter
        super().__init__(add_help=False, **others)
        self._voice = voice
        self._positionals.title = voice("arguments", "参数")
        self._optionals.title = voice("options", "选项")
        self.add_argument("-h", "--help", action="help", help=voice("show this help", "显示本说明"))

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(WRONG_USAGE, f"holdfast: {self._voice(message, _in_chinese(message))}\n")


def _in_chinese(message: str) -> str:
    for english, chinese in CHINESE_FAULTS:
        if found := re.fullmatch(english, message, re.DOTALL):
            return found.expand(chinese)
    return message


def explain_settings(error: ValidationError, voice: Voice, options: Mapping[str, str]) -> list[str]:
    """A sentence for each setting that can't be: its variable, what it is, and what would be right.

    :param options: for each setting that was given on the command line, the option that gave it.
    """
    return [_explain(problem["loc"][0], problem, voice, options) for problem in error.errors() if problem["loc"]]


def _explain(field: Any, problem: Mapping[str, Any], voice: Voice, options: Mapping[str, str]) -> str:
    name = options.get(field, str(field).upper())
    given = "…" if field in HIDDEN else str(problem["input"])
    shown = repr(given if len(given) <= SHOWN_CHARS else f"{given[:SHOWN_CHARS]}…")
    default = shown_setting(Settings.model_fields[field].default)
    wanted = _wanted(field, voice) or problem["msg"]
    return voice(
        f"{name} can't be {shown}: it has to be {wanted}. Left out, it is {default}.",
        f"{name} 不能是 {shown}：应为{wanted}。不设置时为 {default}。",
    )


def shown_setting(value: object) -> str:
    """A setting as it would be written in the environment; a dash where there is nothing to write."""
    if isinstance(value, SecretStr):
        value = "…" if value.get_secret_value() else ""
    if isinstance(value, tuple):
        value = ",".join(map(str, value))
    if isinstance(value, bool | float) and value == int(value):
        value = int(value)
    return "-" if value is None or value == "" else str(value)


def _wanted(field: str, voice: Voice) -> str:
    """What a setting has to be, from its declaration; empty where that does not say it."""
    declared = Settings.model_fields[field]
    if field in PLACES:
        return voice(*PLACES[field])
    if declared.annotation is bool:
        return voice("1 or 0", " 1 或 0")
    if get_origin(declared.annotation) is Literal:
        *words, last = get_args(declared.annotation)
        return voice(f"{', '.join(words)} or {last}", f" {'、'.join(words)} 或 {last}")
    if declared.annotation not in (int, float):
        return ""
    kind = voice("a whole number", "整数") if declared.annotation is int else voice("a number", "数字")
    bounds = [
        f"{voice(*words)} {getattr(bound, name)}"
        for bound in declared.metadata
        for name, words in BOUNDS.items()
        if hasattr(bound, name)
    ]
    return voice(", ", "，").join([kind, voice(" and ", "，").join(bounds)]) if bounds else kind
