"""Elements of WordprocessingML (ECMA-376, part 1, 17), made directly: python-docx's own way takes ten times as long."""

import re
from typing import Any

from lxml import etree

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_XML = "http://www.w3.org/XML/1998/namespace"
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 can't have in it, not even escaped."""

Element = Any
"""lxml carries no types."""


def w(name: str) -> str:
    return f"{{{_W}}}{name}"


def r(name: str) -> str:
    return f"{{{_R}}}{name}"


def element(name: str, /, **attributes: str | int) -> Element:
    return etree.Element(w(name), {w(key): str(value) for key, value in attributes.items()})


def add(parent: Element, name: str, /, **attributes: str | int) -> Element:
    return etree.SubElement(parent, w(name), {w(key): str(value) for key, value in attributes.items()})


def add_text(run: Element, text: str) -> None:
    """The text of a run; its line breaks and tabs are elements of their own."""
    for number, line in enumerate(_NO_XML.sub("", text).replace("\r", "").split("\n")):
        if number:
            add(run, "br")
        for place, piece in enumerate(line.split("\t")):
            if place:
                add(run, "tab")
            if piece:
                add(run, "t").text = piece
                run[-1].set(f"{{{_XML}}}space", "preserve")


def without_what_xml_forbids(text: str) -> str:
    return _NO_XML.sub("", text)
