"""The model that the settings name."""

from server.llm.client import OpenAIModel
from server.llm.endpoint import DEFAULT_BASE_URL, Endpoint
from server.llm.usage import PriceList, Prices
from server.settings import Settings


def configured_model(settings: Settings) -> OpenAIModel | None:
    """None where no model is named, or neither where it is nor a key for the usual place."""
    key = settings.model_key
    if missing_settings(settings):
        return None
    return OpenAIModel(
        Endpoint(
            model=settings.openai_model,
            base_url=settings.openai_base_url or DEFAULT_BASE_URL,
            thinking_model=settings.openai_thinking_model,
            api_key=key,
            first_token_seconds=settings.model_first_token_seconds,
            next_token_seconds=settings.model_next_token_seconds,
            retries=settings.model_retries,
            at_once=settings.model_calls_at_once,
            prices=_prices(settings),
            log_prompts=settings.log_prompts,
        )
    )


def _prices(settings: Settings) -> PriceList:
    """A price that is half said counts the other half as nothing."""
    given = (settings.model_price_input, settings.model_price_output)
    usual = None if given == (None, None) else Prices(given[0] or 0.0, given[1] or 0.0)
    return PriceList(usual, {name: Prices(*each) for name, each in settings.model_prices.items()})


def missing_settings(settings: Settings) -> list[str]:
    """What has to be set before there is a model."""
    missing = [] if settings.openai_model else ["OPENAI_MODEL"]
    if not settings.openai_base_url and settings.model_key is None:
        missing.append("OPENAI_BASE_URL")
    return missing
