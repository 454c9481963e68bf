"""Where links of a Word document lead: to the web, or to a place in the document."""

import re
from urllib.parse import urlsplit

from docx.opc.constants import RELATIONSHIP_TYPE
from docx.parts.document import DocumentPart

LONGEST_ADDRESS = 2000
"""Word takes no more than 2,083 characters."""
MOST_ADDRESSES = 20_000
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_ADDRESS = re.compile(r"https?://[!-~]+", re.IGNORECASE)


class Links:
    """Each address once. What Word would call a damaged file for is no link, but text."""

    def __init__(self, part: DocumentPart) -> None:
        self._part = part
        self._known: dict[str, str] = {}

    def relationship(self, address: str) -> str | None:
        """The id by which the document names an address; None where there should be no link."""
        if address not in self._known:
            if not is_plain(address) or len(self._known) >= MOST_ADDRESSES:
                return None
            name = f"rIdLink{len(self._known) + 1}"
            self._part.rels.add_relationship(RELATIONSHIP_TYPE.HYPERLINK, address, name, is_external=True)
            self._known[address] = name
        return self._known[address]


def is_plain(address: str) -> bool:
    """Whether this is an http or https address of a host, without a user name and with a port that there is."""
    if len(address) > LONGEST_ADDRESS or _ADDRESS.fullmatch(address) is None or re.search(r'["<>\\^`{|}]', address):
        return False
    try:
        parts = urlsplit(address)
        host = parts.netloc.rpartition(":")[0] if parts.port is not None else parts.netloc.rstrip(":")
    except ValueError:
        return False
    return _HOST.fullmatch(host) is not None and ".." not in host
