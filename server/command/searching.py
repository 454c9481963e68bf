"""What `holdfast doctor` says of search providers: which would be asked for what, and what the others need."""

from server.command.terminal import Voice
from server.settings import Settings
from server.sources.providers.configured import configured_providers
from server.sources.providers.words import described


def describe_search(settings: Settings, voice: Voice) -> tuple[bool, str]:
    """Whether all is as it was meant, and what there is to say. Nobody is asked: `scripts/try_providers` does that."""
    roster = configured_providers(settings)
    served = [
        voice(f"web: {', '.join(names)}", f"网络：{'、'.join(names)}")
        if capability == "web"
        else voice(f"academic: {', '.join(names)}", f"学术：{'、'.join(names)}")
        for capability in ("web", "academic")
        if (names := roster.names({capability}))
    ]
    none = voice("none; research goes by the library and named pages alone", "无；研究只使用资料库和指定的网页")
    named = settings.search_providers or ()
    lacking = [state for state in roster.unconfigured if state.name in named]
    told = [voice("; ", "；").join(served) or none]
    for state in lacking:
        sentence = described(state)
        told.append(f"{state.name}: {voice(sentence['en'], sentence['zh'])}")
    if not lacking:
        others = ", ".join(f"{state.name} ({state.needs})" for state in roster.unconfigured)
        told += [voice(f"not in use: {others}", f"未启用：{others}")] if others else []
    return not lacking, voice(". ", "。").join(part.rstrip(".。") for part in told)
