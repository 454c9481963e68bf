"""Documents that name a canary in every way that their format has: what reads them must fetch nothing."""

import io
import zipfile

import docx
from pypdf import PdfWriter
from pypdf.annotations import Link
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

HTML = """<!DOCTYPE html [<!ENTITY x SYSTEM "{u}entity">]><html><head><base href="{u}">
<meta http-equiv=refresh content="0;url={u}refresh"><link rel=stylesheet href="{u}css">
<script src="{u}js"></script></head><body><iframe src="{u}frame"></iframe><img src="{u}img">
<object data="{u}o"></object>
<p>Some text that can be quoted, <a href="{u}link">with a link</a> and &x;.</p></body></html>"""
XHTML = """<?xml version="1.0"?><?xml-stylesheet href="{u}xsl"?><!DOCTYPE html PUBLIC "x" "{u}dtd" [
<!ENTITY % p SYSTEM "{u}parameter"> %p; <!ENTITY x SYSTEM "{u}entity">]>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:xi="http://www.w3.org/2001/XInclude"><body><xi:include href="{u}xi"/>
<p>Some text that can be quoted: &x;</p>
<svg xmlns="http://www.w3.org/2000/svg"><image href="{u}svg"/></svg></body></html>"""
MARKDOWN = "# Title\n\nSome text that can be quoted ![x]({u}img) <img src='{u}raw'> <{u}auto>\n\n[a]: {u}reference\n"
OUTSIDE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def word(url: str) -> bytes:
    """A document whose picture, template and entities all lie elsewhere."""
    made = docx.Document()
    made.add_paragraph("Some text that can be quoted.")
    for kind in ("image", "attachedTemplate", "hyperlink", "oleObject", "subDocument"):
        made.part.relate_to(f"{url}{kind}", f"{OUTSIDE}/{kind}", is_external=True)
    plain, out = io.BytesIO(), io.BytesIO()
    made.save(plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "word/document.xml":
                doctype = f'<!DOCTYPE w [<!ENTITY % p SYSTEM "{url}dtd"> %p; <!ENTITY x SYSTEM "{url}entity">]>'
                head, end, rest = data.partition(b"?>")
                data = head + end + doctype.encode() + rest.replace(b"quoted.", b"quoted. &x;")
            target.writestr(name, data)
    return out.getvalue()


def portable(url: str) -> bytes:
    """A PDF that goes to an address when it is opened, and has a link over its page."""
    made, out = PdfWriter(), io.BytesIO()
    made.add_blank_page(200, 200)
    action = {NameObject("/S"): NameObject("/URI"), NameObject("/URI"): TextStringObject(f"{url}open")}
    made.root_object[NameObject("/OpenAction")] = DictionaryObject(action)
    made.add_annotation(0, Link(rect=(0, 0, 100, 100), url=f"{url}uri"))
    made.write(out)
    return out.getvalue()


def of_each_kind(url: str) -> dict[str, bytes]:
    """A file of each kind that is read, by its name. ``url``: what all of its references begin with."""
    texts = {"page.html": HTML, "page.xhtml": XHTML, "notes.md": MARKDOWN, "notes.txt": MARKDOWN}
    return {
        **{name: text.format(u=url).encode() for name, text in texts.items()},
        "letter.docx": word(url),
        "print.pdf": portable(url),
    }
