"""What every test may use."""

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Asynchronous tests run on what the server runs on."""
    return "asyncio", {"use_uvloop": True}
