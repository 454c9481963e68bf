"""Which addresses may be connected to."""

import ipaddress

import pytest

from server.sources.egress import is_public

FORBIDDEN = """127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 168.63.129.16 192.0.0.8 0.0.0.0
224.0.0.1 255.255.255.255 198.18.0.1 240.0.0.1 ::1 :: ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 fe80::1 fc00::1
fd12::1 fec0::1 ff02::1
64:ff9b::7f00:1 64:ff9b::a00:1 64:ff9b:1::1 2002:7f00:1:: 2002:c0a8:101:: 2001:0:7f00:1:: 2001:db8::1 100::1""".split()
ALLOWED = (
    "1.1.1.1 8.8.8.8 93.184.216.34 2606:4700:4700::1111 64:ff9b::808:808 2002:808:808::1 2a00:1450:4001::1".split()
)


@pytest.mark.parametrize("address", FORBIDDEN)
def test_what_is_not_global_unicast_is_forbidden(address: str) -> None:
    """Also where an IPv4 address hides inside an IPv6 one, and where `ipaddress` of Python 3.11 errs."""
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ALLOWED)
def test_the_public_internet_is_allowed(address: str) -> None:
    """Translated addresses too, if what they translate to is public."""
    assert is_public(ipaddress.ip_address(address))
