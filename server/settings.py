"""Frozen settings; the only reader of the environment."""

import base64
import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

MOST_KEY_BYTES = 4096
LEAST_SECRET_BYTES = 24
"""As standard-webhooks has it."""

SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret of this spelling begins with
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")

Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Names = Annotated[tuple[str, ...], NoDecode]
Ports = Annotated[tuple[Annotated[int, Field(ge=1, le=65535)], ...], NoDecode]
SearchProvider = Literal["tavily", "brave", "exa", "searxng", "ddgs", "wikipedia", "openalex", "arxiv", "crossref"]
PROVIDER_NAMES: tuple[SearchProvider, ...] = get_args(SearchProvider)


class Settings(BaseSettings):
    """One field per environment variable (its name in capitals); each description is shown in docs/settings.md."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")

    host: str = Field("127.0.0.1", description="Address to listen on. Other than loopback needs ALLOW_ANONYMOUS=1.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    allow_anonymous: bool = Field(
        False,
        description="Listen beyond loopback although there are no users: whoever reaches the port is the one user.",
    )
    allowed_hosts: Names = Field(
        (),
        description="Host names this server answers for, comma-separated; loopback names always, `*` for all. "
        "With ALLOW_ANONYMOUS=1 the default is `*`.",
    )
    cors_origins: Names = Field(
        (), description="Origins (as https://app.example) whose pages may use this server, comma-separated."
    )

    task_storage_dir: Path = Field(Path("data/tasks"), description="The folder, or shared volume, where tasks live.")
    library_dir: Path = Field(
        Path("data/library"),
        description="Folder of documents for research; where it is empty, Holdfast's own docs are used.",
    )
    browser_path: Path | None = Field(None, description="The Chromium or Chrome to use; one is looked for otherwise.")
    demo_kind: bool = Field(False, description="Offer the `demo` kind, for tests and benchmarks.")
    allowed_private_hosts: Names | None = Field(
        None,
        description="Hosts outside the public internet, as `host` or `host:port`, that may be fetched when a request "
        "names them, comma-separated. "
        "Default: loopback while the server itself listens on loopback only, else none.",
    )

    search_providers: Annotated[tuple[SearchProvider, ...], NoDecode] | None = Field(
        None,
        description="Search providers to ask, comma-separated. "
        "Default: all whose key or address is set and those that need neither, but `ddgs` only when named.",
    )
    searxng_url: str = Field("", description="Address of your own SearXNG, which may be a private one.")
    tavily_api_key: SecretStr = Field(SecretStr(""), description="The key of Tavily.")
    tavily_api_key_file: Path | None = Field(None, description="A file that holds it, instead of TAVILY_API_KEY.")
    brave_api_key: SecretStr = Field(SecretStr(""), description="The key of Brave Search.")
    brave_api_key_file: Path | None = Field(None, description="A file that holds it, instead of BRAVE_API_KEY.")
    exa_api_key: SecretStr = Field(SecretStr(""), description="The key of Exa.")
    exa_api_key_file: Path | None = Field(None, description="A file that holds it, instead of EXA_API_KEY.")
    openalex_api_key: SecretStr = Field(
        SecretStr(""), description="The key of OpenAlex, which takes few requests a day without one."
    )
    openalex_api_key_file: Path | None = Field(None, description="A file that holds it, instead of OPENALEX_API_KEY.")
    search_contact: str = Field(
        "",
        pattern=r"^([A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+)?$",
        description="A mail address that search providers are told; Wikipedia and Crossref ask for one.",
    )

    openai_model: str = Field("", description="The model to ask, by the name that its endpoint has for it.")
    openai_thinking_model: str = Field(
        "", description="The model for planning and for hard questions; else OPENAI_MODEL does that too."
    )
    openai_base_url: str = Field(
        "",
        description="Address of an OpenAI-compatible endpoint, as http://127.0.0.1:11434/v1. "
        "With a key and no address it is OpenAI's own.",
    )
    openai_api_key: SecretStr = Field(
        SecretStr(""), description="The endpoint's key. Ollama, vLLM and llama.cpp work without one."
    )
    openai_api_key_file: Path | None = Field(None, description="A file that holds the key, instead of OPENAI_API_KEY.")
    model_first_token_seconds: float = Field(
        300.0,
        gt=0,
        description="A model that has said nothing for so long is given up; some load for minutes.",
    )
    model_next_token_seconds: float = Field(
        120.0, gt=0, description="A model that falls silent in mid-reply for so long is given up."
    )
    model_retries: int = Field(3, ge=0, le=20, description="How often a call that failed is made again at most.")
    model_calls_at_once: int = Field(4, ge=1, le=1000, description="Calls of a model that run at once on this node.")
    model_price_input: float | None = Field(
        None, ge=0, description="What a million tokens of prompt cost, for budgets and results, in any currency."
    )
    model_price_output: float | None = Field(
        None, ge=0, description="What a million tokens of reply cost, in that currency."
    )
    model_prices: Annotated[dict[str, tuple[Price, Price]], NoDecode] = Field(
        {}, description="The same for single models, as `name=input/output`, comma-separated; 0 is free."
    )
    log_prompts: bool = Field(False, description="Write each prompt into the log; it holds what users asked and read.")
    extra_ports: Ports = Field(
        (), description="Ports of the public internet that may be fetched from beside 80 and 443, comma-separated."
    )

    webhook_secret: SecretStr = Field(
        SecretStr(""),
        description="What webhooks are signed with: `whsec_` and base64 of 24 bytes or more, or as many characters.",
    )
    webhook_secret_file: Path | None = Field(
        None, description="A file that holds that secret, instead of WEBHOOK_SECRET."
    )
    webhook_urls: Names = Field(
        (), description="Addresses that are told of each task's end, comma-separated; see webhooks.md."
    )

    max_concurrent_tasks: int = Field(
        5, ge=1, le=10_000, description="Tasks that run at once on this node; the rest wait."
    )
    max_pending_tasks: int = Field(1000, ge=1, description="Tasks that may wait; further ones are answered 429.")
    max_running_per_user: int = Field(
        0, ge=0, description="Tasks of one user that run at once on this node; 0: no cap beyond MAX_CONCURRENT_TASKS."
    )
    max_body_bytes: int = Field(4 * 1024 * 1024, ge=1024, description="Largest request body, in bytes.")
    max_upload_bytes: int = Field(
        64 * 1024 * 1024, ge=1024, description="Largest body of an upload, in bytes, with what a form puts around it."
    )
    upload_retention_hours: float = Field(
        24, gt=0, description="Uploads are removed so many hours after they were sent last."
    )
    max_header_bytes: int = Field(65_536, ge=1024, description="Largest request line with headers, in bytes.")

    max_task_age_hours: float = Field(
        168, gt=0, description="Ended tasks, and older lives of tasks, are removed so many hours after their end."
    )

    snapshot_interval_seconds: float = Field(
        5.0, gt=0, description="How often a running task's snapshot is saved at most."
    )
    heartbeat_seconds: float = Field(1.0, gt=0, le=60, description="How often this node says that it is alive.")
    lease_seconds: float = Field(15.0, gt=0, description="A node whose heartbeat has not moved for so long is dead.")
    scan_seconds: float = Field(0.5, gt=0, description="How often this node looks for tasks that need an owner.")
    stream_ping_seconds: float = Field(15.0, gt=0, description="How often a silent stream gets a comment, in seconds.")
    stream_send_timeout_seconds: float = Field(
        30.0, gt=0, description="A reader that takes nothing for so long is closed; it can resume where it was."
    )
    shutdown_grace_seconds: float = Field(
        4.0, ge=0, description="How long running steps may go on after SIGTERM before they are left for the next owner."
    )

    log_format: Literal["auto", "json", "text"] = Field(
        "auto",
        description="How the log on stderr is written: `json`, `text`, or `auto`: text on a terminal, else JSON.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="What the log tells at least: `debug`, `info`, `warning` or `error`."
    )

    holdfast_url: str = Field(
        "http://127.0.0.1:8000",
        description="The server that `holdfast ask`, `watch` and `tasks` talk to; `--server` overrides it.",
    )
    lc_all: str = Field("", description="With `zh…` in it, the commands speak Chinese; goes before LANG.")
    lang: str = Field("", description="With `zh…` in it, the commands speak Chinese, else English.")

    @field_validator(
        "allowed_hosts",
        "cors_origins",
        "allowed_private_hosts",
        "extra_ports",
        "search_providers",
        "webhook_urls",
        mode="before",
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("model_prices", mode="before")
    @classmethod
    def _split_prices(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        prices = {}
        for each in filter(None, (part.strip() for part in value.split(","))):
            name, _, price = each.rpartition("=")
            if not name or price.count("/") != 1:
                raise ValueError("prices as name=input/output, with commas between them")
            prices[name.strip()] = tuple(price.split("/"))
        return prices

    @field_validator("openai_base_url", "searxng_url")
    @classmethod
    def _check_base_url(cls, value: str) -> str:
        url = urlsplit(value)
        if value and (url.scheme not in ("http", "https") or not url.hostname or url.query or "@" in url.netloc):
            raise ValueError("an http or https address without user, password or query")
        return value

    @field_validator("webhook_urls")
    @classmethod
    def _check_webhook_urls(cls, value: tuple[str, ...], others: ValidationInfo) -> tuple[str, ...]:
        for each in value:
            url = urlsplit(each)
            if url.scheme not in ("http", "https") or not url.hostname or "@" in url.netloc:
                raise ValueError("http or https addresses without user or password")
        if value and others.data.keys() >= {"webhook_secret", "webhook_secret_file"}:
            secret = _given_key(others.data["webhook_secret"], others.data["webhook_secret_file"]) or ""
            if _length(secret) < LEAST_SECRET_BYTES:
                raise ValueError(f"with a WEBHOOK_SECRET of {LEAST_SECRET_BYTES} bytes or more")
        return value

    @field_validator(
        "openai_api_key_file",
        "webhook_secret_file",
        "tavily_api_key_file",
        "brave_api_key_file",
        "exa_api_key_file",
        "openalex_api_key_file",
    )
    @classmethod
    def _check_key_file(cls, value: Path | None) -> Path | None:
        if value is not None:
            _read_key(value)
        return value

    @property
    def model_key(self) -> str | None:
        """The endpoint's key, from wherever it was given."""
        return _given_key(self.openai_api_key, self.openai_api_key_file)

    @property
    def tavily_key(self) -> str | None:
        return _given_key(self.tavily_api_key, self.tavily_api_key_file)

    @property
    def brave_key(self) -> str | None:
        return _given_key(self.brave_api_key, self.brave_api_key_file)

    @property
    def exa_key(self) -> str | None:
        return _given_key(self.exa_api_key, self.exa_api_key_file)

    @property
    def openalex_key(self) -> str | None:
        return _given_key(self.openalex_api_key, self.openalex_api_key_file)

    @property
    def webhook_key(self) -> str:
        """What webhooks are signed with, from wherever it was given; empty where it was not."""
        return _given_key(self.webhook_secret, self.webhook_secret_file) or ""

    @property
    def speaks_chinese(self) -> bool:
        return (self.lc_all or self.lang).lower().startswith("zh")

    @property
    def loopback_only(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    @property
    def hosts_answered(self) -> tuple[str, ...]:
        """Names that a request's Host header may bear; ``*`` is any."""
        given = self.allowed_hosts or (("*",) if self.allow_anonymous else ())
        return (*LOOPBACK_NAMES, *given)

    @property
    def ports_fetched(self) -> frozenset[int]:
        """Ports of the public internet that may be connected to."""
        return frozenset({80, 443, *self.extra_ports})

    @property
    def private_hosts(self) -> tuple[str, ...]:
        """Hosts off the public internet that requests may name for fetching."""
        if self.allowed_private_hosts is not None:
            return self.allowed_private_hosts
        return LOOPBACK_NAMES if self.loopback_only else ()


def _given_key(key: SecretStr, file: Path | None) -> str | None:
    return _read_key(file) if file is not None else key.get_secret_value().strip() or None


def _length(secret: str) -> int:
    """In bytes; 0 for what can't be read."""
    if not secret.startswith(SECRET_PREFIX):
        return len(secret.encode())
    try:
        return len(base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True))
    except ValueError:
        return 0


def _read_key(file: Path) -> str:
    try:
        with file.open(encoding="utf-8") as opened:
            key = opened.read(MOST_KEY_BYTES).strip()
    except (OSError, UnicodeDecodeError):
        key = ""
    if not key:
        raise ValueError("a readable file with a key in it")
    return key
