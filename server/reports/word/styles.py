"""How a Word document looks: A4, fonts for both languages, headings, quotes, code, tables, lists."""

from docx.document import Document
from docx.shared import Mm
from lxml import etree

from server.reports.word.xml import Element, add, w

LATIN, CHINESE, MONO = "Calibri", "Microsoft YaHei", "Consolas"
INK, SOFT, ACCENT, WAIT, LINE, SUNK = "1C2321", "58615D", "0B6A58", "8A5A00", "C9C6BA", "F1EFE8"
INDENT = 400
"""Of each level of a list or a quote, in twentieths of a point."""
LEVELS = 9
BULLETS, ORDERED = 1, 2
"""What the document's lists are defined by; a list that is ordered has a number of its own, derived from the second."""
_BULLETS = "•◦▪"
_BUILT_IN = ("Quote", "Hyperlink")
_LEFT_OUT = ("stylesWithEffects", "customXml", "thumbnail")
"""Parts of python-docx's own template that say nothing of a report."""
_NAMESPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'

_DEFAULTS = f"""
<w:docDefaults {_NAMESPACE}>
  <w:rPrDefault><w:rPr>
    <w:rFonts w:ascii="{LATIN}" w:hAnsi="{LATIN}" w:eastAsia="{CHINESE}" w:cs="{LATIN}"/>
    <w:color w:val="{INK}"/><w:sz w:val="21"/><w:szCs w:val="21"/>
    <w:lang w:val="en-US" w:eastAsia="zh-CN" w:bidi="ar-SA"/>
  </w:rPr></w:rPrDefault>
  <w:pPrDefault><w:pPr><w:spacing w:after="120" w:line="300" w:lineRule="auto"/></w:pPr></w:pPrDefault>
</w:docDefaults>"""

_PARAGRAPHS = {
    # Name → what it is called in Word, its paragraph's properties, and its text's, both in the order of the schema.
    "Heading1": ("heading 1", '{keep}<w:spacing w:before="0" w:after="160"/><w:outlineLvl w:val="0"/>', "{bold}{40}"),
    "Heading2": ("heading 2", '{keep}<w:spacing w:before="360" w:after="120"/><w:outlineLvl w:val="1"/>', "{bold}{28}"),
    "Heading3": ("heading 3", '{keep}<w:spacing w:before="240" w:after="100"/><w:outlineLvl w:val="2"/>', "{bold}{24}"),
    "Heading4": ("heading 4", '{keep}<w:spacing w:before="200" w:after="80"/><w:outlineLvl w:val="3"/>', "{bold}{22}"),
    "Heading5": ("heading 5", '{keep}<w:spacing w:before="200" w:after="80"/><w:outlineLvl w:val="4"/>', "{bold}{21}"),
    "Heading6": ("heading 6", '{keep}<w:spacing w:before="200" w:after="80"/><w:outlineLvl w:val="5"/>', "{bold}{21}"),
    "Quote": ("Quote", '{keep}{accent-bar}<w:ind w:left="200"/>', ""),
    "Source": ("Source", '<w:spacing w:after="220"/><w:ind w:left="200"/>', f'<w:color w:val="{SOFT}"/>{{18}}'),
    "Note": ("Note", '{wait-bar}<w:ind w:left="200"/>', f'{{bold}}<w:color w:val="{WAIT}"/>{{20}}'),
    "Code": (
        "Code",
        f'<w:shd w:val="clear" w:color="auto" w:fill="{SUNK}"/><w:spacing w:before="60" w:after="160" w:line="260" '
        'w:lineRule="auto"/>',
        "{mono}{18}",
    ),
    "Cell": ("Cell", '<w:spacing w:before="40" w:after="40" w:line="264" w:lineRule="auto"/>', "{19}"),
    "Rule": (
        "Rule",
        f'<w:pBdr><w:bottom w:val="single" w:sz="6" w:space="1" w:color="{LINE}"/></w:pBdr>',
        "",
    ),
    "ContentsTitle": (
        "Contents Title",
        '{keep}<w:spacing w:before="240" w:after="60"/>',
        f'{{bold}}<w:color w:val="{SOFT}"/>{{20}}',
    ),
    "TOC1": ("toc 1", '<w:spacing w:after="40"/>', "{20}"),
    "TOC2": ("toc 2", f'<w:spacing w:after="40"/><w:ind w:left="{INDENT}"/>', "{20}"),
    "TOC3": ("toc 3", f'<w:spacing w:after="40"/><w:ind w:left="{2 * INDENT}"/>', "{20}"),
    "Footer": ("footer", '<w:tabs><w:tab w:val="right" w:pos="9750"/></w:tabs>', f'<w:color w:val="{SOFT}"/>{{16}}'),
}
_LETTERS = {
    "Hyperlink": ("Hyperlink", f'<w:color w:val="{ACCENT}"/><w:u w:val="single"/>'),
    "Citation": ("Citation", f'<w:color w:val="{ACCENT}"/>'),
    "CodeText": ("Code Text", "{mono}{19}"),
}
_SHORT = {
    "keep": "<w:keepNext/><w:keepLines/>",
    "bold": "<w:b/><w:bCs/>",
    "mono": f'<w:rFonts w:ascii="{MONO}" w:hAnsi="{MONO}" w:eastAsia="{CHINESE}" w:cs="{MONO}"/>',
    "accent-bar": f'<w:pBdr><w:left w:val="single" w:sz="18" w:space="8" w:color="{ACCENT}"/></w:pBdr>',
    "wait-bar": f'<w:pBdr><w:left w:val="single" w:sz="18" w:space="8" w:color="{WAIT}"/></w:pBdr>',
    **{str(size): f'<w:sz w:val="{size}"/><w:szCs w:val="{size}"/>' for size in range(16, 42)},
}
_TABLE = f"""
<w:style {_NAMESPACE} w:type="table" w:customStyle="1" w:styleId="Lines"><w:name w:val="Lines"/><w:tblPr>
  <w:tblBorders><w:bottom w:val="single" w:sz="4" w:space="0" w:color="{LINE}"/>
    <w:insideH w:val="single" w:sz="4" w:space="0" w:color="{LINE}"/></w:tblBorders>
  <w:tblCellMar><w:left w:w="60" w:type="dxa"/><w:right w:w="140" w:type="dxa"/></w:tblCellMar>
</w:tblPr></w:style>"""


def dress(document: Document) -> None:
    """Give a new document its page, its styles instead of those it came with, and the definitions of its lists."""
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(19)
    section.top_margin, section.bottom_margin = Mm(20), Mm(22)
    for holder in (document.part.rels, document.part.package.rels):
        for name in [name for name, one in holder.items() if one.reltype.rpartition("/")[2] in _LEFT_OUT]:
            del holder[name]
    styles = document.styles.element
    for child in list(styles):
        styles.remove(child)
    styles.append(etree.fromstring(_DEFAULTS))
    styles.append(_style("paragraph", "Normal", "Normal", "", "", 'w:default="1"'))
    styles.append(_style("character", "DefaultParagraphFont", "Default Paragraph Font", "", "", 'w:default="1"'))
    for name, (called, paragraph, text) in _PARAGRAPHS.items():
        styles.append(_style("paragraph", name, called, paragraph, text))
    for name, (called, text) in _LETTERS.items():
        styles.append(_style("character", name, called, "", text))
    styles.append(etree.fromstring(_TABLE))
    _define_lists(document.part.numbering_part.element)
    for setting in document.settings.element.iter(w("compatSetting")):
        if setting.get(w("name")) == "compatibilityMode":
            setting.set(w("val"), "15")  # otherwise Word shows it as made by an old version


def _style(kind: str, name: str, called: str, paragraph: str, text: str, more: str = "") -> Element:
    for short, long in _SHORT.items():
        paragraph, text = paragraph.replace(f"{{{short}}}", long), text.replace(f"{{{short}}}", long)
    more = more or ('w:customStyle="1"' if called[0].isupper() and called not in _BUILT_IN else "")
    based = '<w:basedOn w:val="Normal"/>' if kind == "paragraph" and name != "Normal" else ""
    following = '<w:next w:val="Normal"/>' if name.startswith("Heading") else ""
    return etree.fromstring(
        f'<w:style {_NAMESPACE} w:type="{kind}" {more} w:styleId="{name}"><w:name w:val="{called}"/>{based}{following}'
        f"<w:qFormat/><w:pPr>{paragraph}</w:pPr><w:rPr>{text}</w:rPr></w:style>"
        if kind == "paragraph"
        else f'<w:style {_NAMESPACE} w:type="{kind}" {more} w:styleId="{name}"><w:name w:val="{called}"/>'
        f"<w:rPr>{text}</w:rPr></w:style>"
    )


def _define_lists(numbering: Element) -> None:
    for child in list(numbering):
        numbering.remove(child)
    for number in (BULLETS, ORDERED):
        kind = add(numbering, "abstractNum", abstractNumId=number)
        add(kind, "multiLevelType", val="hybridMultilevel")
        for depth in range(LEVELS):
            level = add(kind, "lvl", ilvl=depth)
            add(level, "start", val=1)
            add(level, "numFmt", val="bullet" if number == BULLETS else "decimal")
            add(level, "lvlText", val=_BULLETS[depth % 3] if number == BULLETS else f"%{depth + 1}.")
            add(level, "lvlJc", val="left")
            add(add(level, "pPr"), "ind", left=INDENT * (depth + 1), hanging=INDENT - 40)
            fonts = add(level, "rPr")
            add(fonts, "rFonts", ascii=LATIN, hAnsi=LATIN, eastAsia=LATIN, hint="default")
    for number in (BULLETS, ORDERED):
        add(add(numbering, "num", numId=number), "abstractNumId", val=number)


def number_from(numbering: Element, start: int, depth: int) -> int:
    """A new ordered list that begins at ``start``. Returns the number that its items have to name."""
    number = len(numbering.findall(w("num"))) + 1
    made = add(numbering, "num", numId=number)
    add(made, "abstractNumId", val=ORDERED)
    add(add(made, "lvlOverride", ilvl=depth), "startOverride", val=start)
    return number
