"""Which endpoint a server uses, and how patient it is with it."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from server.llm.usage import PriceList, Prices

DEFAULT_BASE_URL = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``first_token_seconds`` bounds the wait for the first token of a reply, ``next_token_seconds`` that for each
    further one. ``retries``: how often a call is made again at most. ``at_once``: calls that may run at a time.
    """

    model: str
    base_url: str = DEFAULT_BASE_URL
    thinking_model: str = ""
    api_key: str | None = field(default=None, repr=False)
    first_token_seconds: float = 300.0
    next_token_seconds: float = 120.0
    connect_seconds: float = 10.0
    retries: int = 3
    back_off_seconds: float = 1.0
    longest_wait_seconds: float = 60.0
    at_once: int = 4
    prices: PriceList = field(default_factory=PriceList)
    log_prompts: bool = False

    @property
    def identity(self) -> dict[str, str]:
        """What is told of it, and enters the fingerprint: no key, and of the URL nothing that could be one."""
        url = urlsplit(self.base_url)
        host = url.netloc.rpartition("@")[2]
        shown = urlunsplit((url.scheme, host, url.path.rstrip("/"), "", ""))
        return {"name": self.model, "thinking": self.thinking_model or self.model, "base_url": shown}

    def model_for(self, named: str | None, *, thinking: bool) -> str:
        return named or (self.thinking_model if thinking and self.thinking_model else self.model)

    def price(self, named: str | None = None, *, thinking: bool = False) -> Prices | None:
        """What the model costs that `model_for` gives; None where nobody has said."""
        return self.prices.of(self.model_for(named, thinking=thinking))
