"""Words by which an event is told, by its type; a request may add its own."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

LEXICON: Mapping[str, tuple[str, ...]] = {
    "meeting": ("开会", "会议", "例会", "座谈", "面谈", "碰头", "见面", "约见", "meeting", "meet", "met", "conference", "workshop", "standup"),
    "appointment": ("预约", "挂号", "复诊", "面试", "appointment", "interview", "booked", "scheduled"),
    "payment": ("付款", "支付", "转账", "缴费", "交费", "还款", "付了", "花了", "汇款", "到账", "paid", "payment", "transferred", "invoice", "spent"),
    "refund": ("退款", "退钱", "退费", "赔付", "赔偿", "refund", "refunded", "reimbursed", "compensation"),
    "purchase": ("购买", "买了", "下单", "订购", "采购", "bought", "purchased", "ordered", "purchase"),
    "delivery": ("发货", "送货", "快递", "送达", "签收", "寄出", "寄了", "到货", "delivered", "delivery", "shipped", "arrived", "parcel"),
    "travel": ("出差", "旅行", "旅游", "航班", "飞往", "动身", "返程", "出发", "flew", "flight", "trip", "travel", "travelled", "leave for"),
    "call": ("打电话", "来电", "致电", "通话", "called", "phoned", "rang"),
    "visit": ("拜访", "看望", "参观", "就诊", "看病", "visit", "visited"),
    "complaint": ("投诉", "举报", "抱怨", "complained", "complaint"),
    "contract": ("签约", "签订", "签合同", "签了", "续约", "解约", "合同到期", "signed", "contract", "lease", "renewed"),
    "employment": ("入职", "离职", "辞职", "升职", "退休", "聘用", "被裁", "hired", "resigned", "promoted", "retired", "joined", "laid off"),
    "study": ("毕业", "入学", "开学", "考试", "培训", "答辩", "graduated", "enrolled", "exam", "training", "course"),
    "health": ("住院", "出院", "手术", "生病", "发烧", "确诊", "体检", "hospital", "surgery", "diagnosed", "checkup", "vaccinated"),
    "family": ("结婚", "离婚", "出生", "去世", "过世", "生日", "订婚", "married", "divorced", "born", "died", "passed away", "wedding", "birthday"),
    "moving": ("搬家", "搬到", "搬进", "租房", "入住", "moved", "move in", "move out", "rented"),
    "accident": ("事故", "车祸", "火灾", "摔倒", "受伤", "accident", "crashed", "crash", "injured", "fire"),
    "outage": ("宕机", "故障", "停电", "中断", "崩溃", "outage", "failure", "went down", "downtime"),
    "release": ("发布", "上线", "上市", "开业", "released", "release", "launch", "launched", "uploaded", "opened", "new upstream"),
    "fix": ("修复", "修好", "维修", "fixed", "fixes", "fix", "repaired", "closes"),
    "deadline": ("截止", "到期", "之前提交", "deadline", "due", "expires", "expired"),
    "loan": ("借款", "贷款", "借了", "loan", "borrowed", "mortgage", "lent"),
}  # fmt: skip
_WORD = re.compile(r"[A-Za-z]+(?:['’-][A-Za-z]+)*")
_LATIN = re.compile(r"[A-Za-z]+(?:['’ -][A-Za-z]+)*")


@dataclass(frozen=True, slots=True)
class Trigger:
    """A word of the lexicon where it stands."""

    type: str
    start: int
    end: int


class Lexicon:
    """The built-in words with a request's own. Latin words match whole, in any case; longer ones go before shorter."""

    def __init__(self, own: Mapping[str, Sequence[str]]) -> None:
        types: dict[str, str] = {}
        for type_, words in [*LEXICON.items(), *own.items()]:
            types.update({" ".join(word.lower().split()): type_ for word in words})
        self._latin = {word: type_ for word, type_ in types.items() if _LATIN.fullmatch(word)}
        self._longest = max(word.count(" ") + 1 for word in self._latin)
        self._others = {word: type_ for word, type_ in types.items() if word not in self._latin}
        ordered = sorted(self._others, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered)), re.IGNORECASE)

    def triggers(self, text: str) -> list[Trigger]:
        """In the order of the text."""
        found = [
            Trigger(self._others[match[0].lower()], *match.span())
            for match in self._pattern.finditer(text)
            if match[0].lower() in self._others
        ]
        return sorted([*found, *self._words(text)], key=lambda one: one.start)

    def _words(self, text: str) -> Iterator[Trigger]:
        spans = [match.span() for match in _WORD.finditer(text)]
        at = 0
        while at < len(spans):
            for many in range(min(self._longest, len(spans) - at), 0, -1):
                start, end = spans[at][0], spans[at + many - 1][1]
                type_ = self._latin.get(" ".join(text[start:end].lower().split()))
                if type_ is not None:
                    yield Trigger(type_, start, end)
                    at += many - 1
                    break
            at += 1
