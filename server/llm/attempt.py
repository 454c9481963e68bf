"""One attempt at one call: the request, its stream, and the time limits on both."""

import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import httpx2

from server.llm.abilities import Abilities
from server.llm.base import Call, Finish, Listener, Prompt, Reply
from server.llm.endpoint import Endpoint
from server.llm.failures import BudgetSpent, ModelCut, ModelFailed, ModelGarbled, ModelTimeout, ModelUnavailable
from server.llm.faults import in_stream, of_status
from server.llm.reading import ErrorInStream, ReplyReader
from server.llm.sse import EventTooLong, SseReader
from server.llm.usage import TOKENS_PER_MESSAGE, Usage, estimate_tokens

if TYPE_CHECKING:
    from openai import AsyncOpenAI

LAST_WORDS_SECONDS = 5.0
"""How long the usage may come after the reason of the end."""
MOST_CHARACTERS = 2_000_000
MOST_BODY_BYTES = 16 * 1024 * 1024
MOST_ERROR_BYTES = 64 * 1024
LOOPBACK = ("all://127.0.0.1", "all://localhost", "all://[::1]")

logger = logging.getLogger(__name__)


async def sdk() -> Any:
    """The SDK, imported by the first call: a server that asks no model never pays for it."""
    openai = await anyio.to_thread.run_sync(import_module, "openai")
    logging.getLogger("openai").setLevel(logging.WARNING)  # below that it writes prompts into the log
    return openai


class Connector:
    """Opens the SDK's client for one attempt, and closes it with all that belongs to it.

    A call takes seconds and a connection milliseconds, so each has its own: breaking it off leaves nothing behind that
    another call could meet.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._tls: ssl.SSLContext | None = None

    @asynccontextmanager
    async def client(self) -> AsyncIterator["AsyncOpenAI"]:
        openai = await sdk()
        if self._tls is None:
            self._tls = await anyio.to_thread.run_sync(httpx2.create_ssl_context)
        endpoint = self.endpoint
        http = httpx2.AsyncClient(
            verify=self._tls,
            timeout=httpx2.Timeout(None, connect=endpoint.connect_seconds),
            follow_redirects=False,
            mounts={name: httpx2.AsyncHTTPTransport(verify=self._tls) for name in LOOPBACK},  # never through a proxy
        )
        async with http:
            yield openai.AsyncOpenAI(
                api_key=endpoint.api_key or "none",
                base_url=endpoint.base_url,
                max_retries=0,
                timeout=None,
                http_client=http,
            )


class Attempt:
    """Asks once. ``request`` is what was sent, in the endpoint's own words."""

    def __init__(self, connector: Connector, prompt: Prompt, model: str, call: Call, abilities: Abilities) -> None:
        self._connector, self._endpoint, self._prompt, self._call = connector, connector.endpoint, prompt, call
        self._input_tokens = sum(TOKENS_PER_MESSAGE + estimate_tokens(each.content) for each in prompt.messages)
        limits = [limit for limit in (prompt.max_tokens, call.account.tokens_left) if limit is not None]
        self.request = abilities.request(prompt, model, max(1, min(limits)) if limits else None)
        self._model = model
        self._reader = ReplyReader()
        self._characters = 0
        self._accepted = True
        self._passed_on = False
        self._deadline = 0.0

    async def run(self, listen: Listener) -> Reply:
        """:raises Refused, ModelFailed: nothing of the reply's content was passed on."""
        account = self._call.account
        self._metered = account.begin(self._input_tokens, self._endpoint.prices.of(self._model))
        if self._endpoint.log_prompts:
            logger.info("asking the model %s: %s", self._model, self.request["messages"])
        finish: Finish | None = None
        left = account.seconds_left
        try:
            with anyio.move_on_after(left) as budget:
                finish = await self._ask(listen)
            if budget.cancelled_caught:
                finish = Finish.BUDGET
                if not self._passed_on:
                    raise BudgetSpent(f"The task's budget is spent: {account.limits.seconds:g} seconds.")
        except ModelFailed as failure:
            if not self._passed_on:
                raise
            logger.warning("the model's reply broke off (%s); what came of it is kept", failure.code)
            finish = Finish.CUT
        finally:
            self._metered.settle(self._usage() if self._accepted else Usage())
        reader = self._reader
        return Reply(
            reader.text, finish or Finish.CUT, self._usage(), reader.model or self._model, "".join(reader.reasoning)
        )

    async def _ask(self, listen: Listener) -> Finish:
        openai = await sdk()
        headers = {"Idempotency-Key": self._call.key}
        if not self._endpoint.api_key:
            headers["Authorization"] = openai.Omit()
        self._deadline = anyio.current_time() + self._endpoint.first_token_seconds
        secret = self._endpoint.api_key
        try:
            async with self._connector.client() as client:
                streaming = client.chat.completions.with_streaming_response.create(
                    **self.request, extra_headers=headers
                )
                response = await self._in_time(streaming.__aenter__)
                try:
                    return await self._read(response, listen)
                finally:
                    await streaming.__aexit__(None, None, None)
        except openai.APIStatusError as error:
            self._accepted = False
            body = error.response.content[:MOST_ERROR_BYTES]
            raise of_status(error.status_code, body, error.response.headers.get("retry-after"), secret) from None
        except (openai.APIConnectionError, httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            self._accepted = False
            raise ModelUnavailable(f"No connection to the model's endpoint: {_cause(error)}.") from None
        except ErrorInStream as error:
            raise in_stream(error.error, secret) from None
        except httpx2.HTTPError as error:
            raise ModelCut(f"The model's reply broke off: {_cause(error)}.") from None
        except EventTooLong:
            raise ModelGarbled from None

    async def _read(self, response: Any, listen: Listener) -> Finish:
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type == "application/json":  # it does not stream, whatever it was asked
            return await self._read_whole(response, listen)
        if media_type == "text/html":
            raise ModelGarbled("The endpoint answered with a web page; look at OPENAI_BASE_URL.")
        try:
            spent = await self._read_events(response.iter_bytes().__aiter__(), listen)
        except (ModelTimeout, httpx2.HTTPError):
            if self._reader.finish is None:
                raise  # else all is there, and only the endpoint's last words are missing
            spent = None
        if spent and not self._passed_on:
            raise BudgetSpent(f"The task's budget is spent: {spent}.")
        await self._close(listen)
        if spent:
            return Finish.BUDGET
        if self._reader.finish is None:
            raise ModelCut
        return self._reader.finish

    async def _read_events(self, chunks: AsyncIterator[bytes], listen: Listener) -> str | None:
        """Up to the end of the reply. Returns what of the budget is used up, where that is what ended it."""
        events = SseReader()
        while (chunk := await self._in_time(partial(anext, chunks, None))) is not None:
            for data in events.feed(chunk):
                if spent := await self._take(data, listen):
                    return spent
                if self._reader.done:
                    return None
        for data in events.close():
            await self._take(data, listen)
        return None

    async def _read_whole(self, response: Any, listen: Listener) -> Finish:
        body, chunks = b"", response.iter_bytes().__aiter__()
        while (chunk := await self._in_time(partial(anext, chunks, None))) is not None:
            body += chunk
            if len(body) > MOST_BODY_BYTES:
                raise ModelGarbled
        await self._take(body, listen)
        await self._close(listen)
        if self._reader.finish is None:
            raise ModelGarbled
        return self._reader.finish

    async def _take(self, data: bytes, listen: Listener) -> str | None:
        """Pass on what an event holds. Returns what of the budget is used up, where the reply must end here."""
        spent = None
        for piece in self._reader.take(data):
            self._characters += len(piece.text)
            if self._characters > MOST_CHARACTERS:
                raise ModelCut(f"The model's reply goes on beyond {MOST_CHARACTERS} characters.")
            spent = self._metered.output(estimate_tokens(piece.text)) or spent
            await self._pass_on(piece, listen)
            self._deadline = anyio.current_time() + self._endpoint.next_token_seconds
        if self._reader.finish is None:
            return spent
        self._deadline = min(self._deadline, anyio.current_time() + LAST_WORDS_SECONDS)
        return None

    async def _close(self, listen: Listener) -> None:
        for piece in self._reader.close():
            await self._pass_on(piece, listen)

    async def _pass_on(self, piece: Any, listen: Listener) -> None:
        if piece.kind == "content":
            if self._prompt.schema is not None:
                return
            self._passed_on = True
        await listen(piece)

    async def _in_time(self, wait: Any) -> Any:
        """:raises ModelTimeout: it did not come until the deadline."""
        try:
            with anyio.fail_after(self._deadline - anyio.current_time()):
                return await wait()
        except TimeoutError:
            if self._reader.content or self._reader.reasoning:
                raise ModelTimeout(f"The model fell silent for {self._endpoint.next_token_seconds:g} s.") from None
            raise ModelTimeout(f"The model said nothing for {self._endpoint.first_token_seconds:g} s.") from None

    def _usage(self) -> Usage:
        return self._reader.usage(self._input_tokens)


def _cause(error: BaseException) -> str:
    """The sentence at the bottom of a chain of exceptions."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error) or type(error).__name__).rstrip(".")[:200]
