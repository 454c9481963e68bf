"""The angles from which the plan looks at a subject, and the cues by which a sentence shows that it is on one."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Angle:
    """``words`` and ``characters`` are its cues; a sentence that has none of them says nothing on this angle."""

    name: str
    text: dict[str, str]
    goal: dict[str, str]
    words: tuple[str, ...]
    characters: tuple[str, ...]

    def pattern(self) -> re.Pattern[str]:
        words = "|".join(re.escape(word) for word in self.words)
        return re.compile(rf"\b(?:{words})\b|{'|'.join(map(re.escape, self.characters))}", re.I)


def _words(listed: str) -> tuple[str, ...]:
    return tuple(" ".join(word.split()) for word in listed.split(","))


LIMITS = Angle(
    "limits",
    {"en": "What limits, exceptions or warnings do the sources name?", "zh": "资料指出了哪些限制、例外或警告？"},
    {"en": "criticism and limits", "zh": "批评与限制"},
    _words(
        """however, cannot, can't, can not, must not, should not, shouldn't, never, unless, except, limit, limits,
        limited, limitation, limitations, warning, warnings, caution, careful, danger, dangerous, beware, drawback,
        drawbacks, disadvantage, risk, risks, fails, failure, deprecated, unsupported, not supported, not recommended,
        discouraged, avoid, not possible, impossible, does not, do not, is not, are not, only if, only when"""
    ),
    _words(
        """但是, 然而, 不过, 不能, 无法, 不要, 不应, 不会, 不支持, 不建议, 不推荐, 限制, 警告, 注意, 小心, 谨慎,
        危险, 风险, 失败, 缺点, 弃用, 废弃, 除非, 除了, 只能, 仅当, 切勿, 请勿, 无效, 尚未, 并不"""
    ),
)
CONDITIONS = Angle(
    "conditions",
    {"en": "What has to be in place, and which settings matter?", "zh": "需要满足哪些前提，哪些设置有影响？"},
    {"en": "prerequisites and settings", "zh": "前提与设置"},
    _words(
        """must, requires, require, required, requirement, needs, need to, has to, have to, before, first, prerequisite,
        depends on, option, options, setting, settings, configure, configured, configuration, default, by default,
        permission, permissions, enabled, install"""
    ),
    _words("必须, 需要, 首先, 之前, 前提, 取决于, 依赖, 选项, 设置, 配置, 默认, 缺省, 权限, 启用, 安装, 要求, 应当"),
)
PURPOSE = Angle(
    "purpose",
    {"en": "What is it for, and when is it used?", "zh": "它有什么用途，什么时候使用？"},
    {"en": "purpose and use", "zh": "用途与场合"},
    _words(
        """used for, used to, used by, useful, allows, allow, lets, enables, purpose, in order to, intended, suitable,
        helps, provides, designed"""
    ),
    _words("用于, 用来, 用以, 允许, 使得, 目的, 提供, 适合, 适用, 可用, 帮助, 有助于, 旨在, 作用"),
)
REASONS = Angle(
    "reasons",
    {"en": "Which reasons do the sources give?", "zh": "资料给出了哪些理由？"},
    {"en": "causes and reasons", "zh": "原因与理由"},
    _words(
        """because, since, therefore, due to, reason, reasons, so that, thus, hence, in order to, as a result,
        consequently, leads to, causes"""
    ),
    _words("因为, 由于, 因此, 所以, 原因, 理由, 为了, 以便, 导致, 造成, 从而, 以免, 以防"),
)
EXAMPLES = Angle(
    "examples",
    {"en": "Which examples do the sources give?", "zh": "资料举了哪些例子？"},
    {"en": "examples", "zh": "举例"},
    _words("for example, for instance, e.g, such as, example, examples"),
    _words("例如, 比如, 譬如, 示例, 举例, 范例, 例子"),
)
ALTERNATIVES = Angle(
    "alternatives",
    {"en": "Which alternatives do the sources name?", "zh": "资料提到了哪些替代做法？"},
    {"en": "alternatives", "zh": "替代做法"},
    _words(
        """instead, alternative, alternatives, alternatively, rather than, unlike, prefer, preferred, replaces,
        replacement, another way"""
    ),
    _words("代替, 替代, 取代, 另外, 也可以, 也可, 而不是, 或者, 另一种, 其他方法, 更好"),
)
ANGLES = {angle.name: angle for angle in (LIMITS, CONDITIONS, PURPOSE, REASONS, EXAMPLES, ALTERNATIVES)}
