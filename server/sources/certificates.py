"""The authorities that the system trusts, for connections over TLS."""

import ssl

import anyio.to_thread
import httpcore2


class Certificates:
    """Reads them once, for the first that asks: it takes a tenth of a second, which no start has to wait for."""

    def __init__(self) -> None:
        self._context: ssl.SSLContext | None = None

    async def context(self) -> ssl.SSLContext:
        """Who asks while they are being read reads them too, which does no harm."""
        if self._context is None:
            self._context = await anyio.to_thread.run_sync(httpcore2.default_ssl_context)
        return self._context
