"""How a provider fares, in words for people, in both languages."""

import math
from typing import Any

from server.sources.providers.post import ProviderState
from server.sources.reasons import reason

NAMED = "SEARCH_PROVIDERS"


def described(state: ProviderState) -> dict[str, str]:
    """One sentence in each language: `{"en", "zh"}`."""
    why, zh = (state.failure[1], reason("zh", *state.failure)) if state.failure else ("", "")
    rest = math.ceil(state.seconds)
    match state.state:
        case "ready":
            return {"en": "Ready.", "zh": "可用。"}
        case "cooling":
            return {
                "en": f"Left in peace for another {rest} s. {why}".rstrip(),
                "zh": f"暂停，{rest} 秒后再试。{zh}",
            }
        case "unreachable":
            return {"en": f"Gave nothing the last time. {why}".rstrip(), "zh": f"上次未能取得结果。{zh}"}
        case "unconfigured" if state.needs == NAMED:
            return {"en": f"Not in use: {NAMED} does not name it.", "zh": f"未启用：{NAMED} 中没有它。"}
        case _ if state.needs.isupper():
            return {"en": f"Not configured: {state.needs} is not set.", "zh": f"未配置：没有设置 {state.needs}。"}
        case _:
            return {"en": f"Not installed: {state.needs}", "zh": f"未安装：{state.needs}"}


def told(state: ProviderState) -> dict[str, Any]:
    """A state as JSON, for clients."""
    return {
        "name": state.name,
        "for": list(state.capabilities),
        "keyless": state.keyless,
        "state": state.state,
        "seconds": round(state.seconds, 1),
        "code": state.failure[0] if state.failure else None,
        "detail": described(state),
    }
