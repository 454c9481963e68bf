"""What `holdfast doctor` says of the model: whether one is configured, and, if asked to, whether it answers."""

from server.command.telling import CHINESE
from server.command.terminal import Voice
from server.errors import HoldfastError
from server.llm.configured import configured_model, missing_settings
from server.settings import Settings


def describe_model(settings: Settings, voice: Voice) -> tuple[bool, str]:
    """Whether all is as it was meant, and what there is to say."""
    model = configured_model(settings)
    if model is not None:
        where = model.identity["base_url"]
        return True, voice(f"{model.name} at {where}", f"{model.name}，位于 {where}")
    missing = ", ".join(missing_settings(settings))
    none = voice(
        "none; everything that needs none works. To have one, set OPENAI_MODEL and OPENAI_BASE_URL (docs/models.md)",
        "无；不需要模型的功能都可以使用。如需模型，请设置 OPENAI_MODEL 和 OPENAI_BASE_URL（见 docs/zh/models.md）",
    )
    named = {"openai_model", "openai_base_url", "openai_api_key", "openai_api_key_file"} & settings.model_fields_set
    if not named:
        return True, none
    return False, voice(f"none, because {missing} is not set", f"无，因为没有设置 {missing}")


async def ask_model(settings: Settings, voice: Voice) -> tuple[bool, str]:
    """As `describe_model`, and asks the model for one word."""
    model = configured_model(settings)
    ok, told = describe_model(settings, voice)
    if model is None:
        return ok, told
    try:
        await model.check()
    except HoldfastError as failure:
        reason = CHINESE[failure.code].rstrip("。")
        return False, voice(
            f"{told}, does not answer: {failure.detail}", f"{told}，没有回答：{reason}（{failure.detail}）"
        )
    return True, voice(f"{told}, answers", f"{told}，有回答")
