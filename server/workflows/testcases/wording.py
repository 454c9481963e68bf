"""The sentences of cases, obligations and issues, in both languages."""

from typing import Any, Literal, TypeAlias

from server.workflows.testcases.domains import Domain
from server.workflows.testcases.quantities import Condition

Language: TypeAlias = Literal["en", "zh"]
SHOWN = 60

_PHRASES: dict[str, tuple[str, str]] = {
    "requirements": ("Requirements", "需求"),
    "accepted": ("The input is accepted.", "输入被接受。"),
    "refused": ("The input is refused: {why}.", "输入被拒绝：{why}。"),
    "fill": ("Fill in the fields", "填写各字段"),
    "submit": ("Submit", "提交"),
    "given": ("Bring this about", "使以下条件成立"),
    "observe": ("Carry out the operation and look at what follows", "执行操作并观察结果"),
    "do": ("Event: {event}", "触发：{event}"),
    "stays": (
        "The specification has no such transition: the state remains {state}.",
        "需求中没有这一转换：状态仍为“{state}”。",
    ),
    "becomes": ("The state is {state}.", "状态为“{state}”。"),
    "starts": ("The state is {state}", "当前状态为“{state}”"),
    "open": ("{module} is open", "已打开“{module}”"),
    "exists": ("An entry with {field} = {value} exists already", "已存在“{field}”为 {value} 的记录"),
    "follows": ("This follows: {then}", "结果：{then}"),
    "both": (
        "Several rules apply, and the specification does not say which comes first: {then}",
        "多条规则同时适用，需求未说明以哪条为准：{then}",
    ),
    "none": ("No rule applies; none of this follows: {then}", "没有规则适用，以下结果均不应出现：{then}"),
    "shows": ("{field} shows {value}.", "“{field}”显示 {value}。"),
    "empty": ("(empty)", "（空）"),
    "chars": ("{text}… ({count} characters)", "{text}…（共 {count} 个字符）"),
    "file": ("{file}, {bytes} bytes", "{file}，{bytes} 字节"),
    "yes": ("yes", "是"),
    "no": ("no", "否"),
    "o_class": ("{field}: {what}", "{field}：{what}"),
    "o_value": ("{field} = {value} ({what})", "{field} = {value}（{what}）"),
    "o_broken": ("Broken: {law}", "违反约束：{law}"),
    "o_relation": ("{left} {relation} {right}", "{left} {relation} {right}"),
    "o_column": ("Decision: {conditions}", "决策：{conditions}"),
    "o_threshold": ("{name} = {value}, while: {conditions}", "{name} = {value}，且：{conditions}"),
    "o_tuple": ("Combination: {values}", "组合：{values}"),
    "o_rule": ("Rule {number} applies: {then}", "规则 {number} 生效：{then}"),
    "o_state": ("State reached: {state}", "到达状态：{state}"),
    "o_transition": ("Transition: {walk}", "转换：{walk}"),
    "o_refused": ("No transition from {state} on: {event}", "{state} 下无效事件：{event}"),
    "o_unique": ("{field} a second time", "{field}重复"),
    "o_default": ("{field} before anything is put in", "{field}的初始值"),
    "t_combination": ("Valid combination {number}", "有效组合 {number}"),
    "w_required": ("{field} is required", "{field}为必填"),
    "w_min": ("{field} is below its minimum {bound}", "{field}小于最小值 {bound}"),
    "w_max": ("{field} is above its maximum {bound}", "{field}大于最大值 {bound}"),
    "w_min_string": ("{field} is shorter than {bound}", "{field}长度小于 {bound}"),
    "w_max_string": ("{field} is longer than {bound}", "{field}长度大于 {bound}"),
    "w_type": ("{field} is no {type}", "{field}不是{type}"),
    "w_step": ("{field} is not in steps of {step}", "{field}不符合步长 {step}"),
    "w_pattern": ("{field} does not have its format", "{field}格式不符"),
    "w_values": ("{field} is none of: {values}", "{field}不在可选范围：{values}"),
    "w_contains": ("{field} has no {kind}", "{field}不含{kind}"),
    "w_unique": ("{field} must not occur twice", "{field}不能重复"),
    "i_bounds": ("{field}: the minimum {low} is above the maximum {high}", "{field}：最小值 {low} 大于最大值 {high}"),
    "i_no_value": ("{field}: no value fits all that is said of it", "{field}：没有任何值能同时满足全部要求"),
    "i_only_empty": ("{field}: nothing but empty fits all that is said of it", "{field}：除空值外没有值能满足全部要求"),
    "i_some_values": ("{field}: no value {keys} fits its format", "{field}：在 {keys} 处没有值符合其格式"),
    "i_constraints": ("No input fits all constraints", "没有任何输入能满足全部约束"),
    "i_rules": (
        "Rules {numbers} contradict each other when {conditions}: {then}",
        "规则 {numbers} 在 {conditions} 时互相矛盾：{then}",
    ),
    "i_overlap": (
        "Rules {numbers} apply together when {conditions}, and nothing says which comes first: {then}",
        "规则 {numbers} 在 {conditions} 时同时适用，未说明以哪条为准：{then}",
    ),
    "i_never": ("Rule {number} can never apply: {conditions}", "规则 {number} 永远无法适用：{conditions}"),
    "i_unreachable": ("The state {state} can't be reached from {initial}", "状态“{state}”无法从“{initial}”到达"),
    "i_fork": ("From {state}, {event} leads to more than one state: {to}", "“{state}”在“{event}”下通向多个状态：{to}"),
    "i_twice": (
        "{field}: {name} is said twice, differently: {first} and {second}",
        "{field}：{name} 有两种不同说法：{first} 与 {second}",
    ),
}
_WHAT: dict[str, tuple[str, str]] = {
    "typical": ("a usual value", "常规有效值"),
    "empty": ("empty", "空"),
    "below": ("below the minimum", "低于下限"),
    "above": ("above the maximum", "超出上限"),
    "not_a_number": ("no number", "非数字"),
    "fraction": ("a fraction", "小数"),
    "finer": ("between two of its steps", "不在步长的整数倍上"),
    "no_such_day": ("a day that does not exist", "不存在的日期"),
    "unlisted": ("not on the list", "不在可选范围内"),
    "pattern": ("against its format", "格式不符"),
    "min-1": ("just below the minimum", "下边界外"),
    "min": ("at the minimum", "下边界"),
    "min+1": ("just above the minimum", "下边界内"),
    "max-1": ("just below the maximum", "上边界内"),
    "max": ("at the maximum", "上边界"),
    "max+1": ("just above the maximum", "上边界外"),
    "without": ("without {kind}", "缺少{kind}"),
    "value": ("the value {value}", "取值 {value}"),
}
_KINDS: dict[str, tuple[str, str]] = {
    "upper": ("capital letter", "大写字母"),
    "lower": ("small letter", "小写字母"),
    "letter": ("letter", "字母"),
    "digit": ("digit", "数字"),
    "special": ("special character", "特殊字符"),
}
_TYPES: dict[str, tuple[str, str]] = {
    "integer": ("whole number", "整数"),
    "number": ("number", "数字"),
    "date": ("date", "有效日期"),
    "boolean": ("yes or no", "是/否值"),
    "file": ("file", "文件"),
    "string": ("text", "文本"),
    "enum": ("value of the list", "可选值"),
}


class Words:
    """What is said in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._side = 0 if language == "en" else 1
        self.comma = "; " if language == "en" else "；"

    def say(self, phrase: str, **values: Any) -> str:
        return _PHRASES[phrase][self._side].format(**values)

    def what(self, key: str) -> str:
        """A class or boundary by its key."""
        if key.startswith("without_"):
            return _WHAT["without"][self._side].format(kind=_KINDS[key.removeprefix("without_")][self._side])
        if key.startswith("value:"):
            value = key.removeprefix("value:")
            return _WHAT["value"][self._side].format(value=self.say(value) if value in ("yes", "no") else value)
        return _WHAT[key][self._side]

    def value(self, value: Any) -> str:
        """A value as it is shown to people: long texts by their beginning and their length."""
        if value == "":
            return self.say("empty")
        if isinstance(value, bool):
            return self.say("yes" if value else "no")
        if isinstance(value, dict):
            return self.say("file", **value)
        text = str(value)
        return text if len(text) <= SHOWN else self.say("chars", text=text[:20], count=len(text))

    def pairs(self, inputs: dict[str, Any]) -> str:
        return self.comma.join(f"{name} = {self.value(value)}" for name, value in inputs.items())

    def conditions(self, conditions: list[Condition]) -> str:
        signs = {">=": "≥", "<=": "≤", "!=": "≠"}
        told = [f"{one.name} {signs.get(one.operator, one.operator)} {self.value(one.operand)}" for one in conditions]
        return self.comma.join(told)

    def fault(self, domain: Domain, fault: str) -> str:
        """Why a value is wrong, by what the specification says and no more."""
        field = domain.field
        name = fault.partition(":")[0]
        if fault in ("min", "max") and domain.type == "string":
            name += "_string"
        bound = getattr(field, fault) if fault in ("min", "max") else None
        kind = fault.partition(":")[2]
        return self.say(
            f"w_{name}",
            field=field.name,
            bound=bound,
            step=domain.step,
            values=", ".join(field.values),
            type=_TYPES[domain.type][self._side],
            kind=_KINDS[kind][self._side] if kind else "",
        )
