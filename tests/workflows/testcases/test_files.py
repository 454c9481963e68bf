"""Each download is read again by another hand than the one that wrote it, and has every case in it."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ElementTree
import zipfile
from typing import Any

import pytest
from gherkin.parser import Parser
from openpyxl import load_workbook

from server.workflows.testcases.files.formats import FORMATS
from tests.workflows.testcases.running import made_of

pytestmark = pytest.mark.anyio

TEXTS = {
    "zh": """# 注册|登录
用户名：必填，长度6-20位。
=1+1备注：不超过30个字。
如果等级为“@SUM(A1)”，则=cmd|'/c calc'!A0。
待支付→已支付（支付）""",
    "en": """# Sign up
Username is required and must be between 6 and 20 characters long.
If the <b>role</b> is +1|2\\, then -1 "x" & y.""",
}


@pytest.fixture(params=TEXTS)
async def result(request: pytest.FixtureRequest) -> dict[str, Any]:
    made, _ = await made_of(TEXTS[request.param], title="=HYPERLINK(1)")
    assert made["language"] == request.param
    return made


def written(result: dict[str, Any], name: str) -> bytes:
    """The same result gives the same bytes."""
    media_type, make = FORMATS[name]
    assert media_type
    content = make(result)
    assert make(result) == content
    return content


async def test_a_spreadsheet_has_a_row_for_each_case_and_no_formula(result: dict[str, Any]) -> None:
    book = load_workbook(io.BytesIO(written(result, "xlsx")))
    assert len(book.sheetnames) == 4
    head, *rows = book.worksheets[0].iter_rows()
    assert [row[0].value for row in rows] == [case["id"] for case in result["cases"]]
    assert [row[8].value for row in rows] == [case["expected"] for case in result["cases"]]
    cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}, "a formula would be an f"
    assert len(head) == 11
    assert next(reversed(list(book.worksheets[1].iter_rows(values_only=True))))[1:] == tuple(
        result["coverage"].values()
    )


@pytest.mark.parametrize("name", ["csv", "zentao.csv"])
async def test_a_csv_opens_in_a_spreadsheet_with_nothing_that_is_carried_out(result: dict[str, Any], name: str) -> None:
    content = written(result, name)
    assert content.startswith(b"\xef\xbb\xbf")
    head, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig")))
    assert len(rows) == len(result["cases"])
    assert all(len(row) == len(head) for row in rows)
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


async def test_zentao_finds_its_columns_and_as_many_expectations_as_steps(result: dict[str, Any]) -> None:
    rows = list(csv.DictReader(io.StringIO(written(result, "zentao.csv").decode("utf-8-sig"))))
    for row, case in zip(rows, result["cases"], strict=True):
        assert row["用例标题"].removeprefix("'") == case["title"]
        assert row["所属模块"] == f"/{case['module']}"
        numbers = [re.findall(r"^(\d+)\.", row[name], re.M) for name in ("步骤", "预期")]
        assert numbers[0] == numbers[1] == [str(number + 1) for number in range(len(case["steps"]))]
        assert row["预期"].endswith(" ".join(case["expected"].split()))
        assert row["优先级"] in ("1", "2", "3")


async def test_a_freemind_map_is_xml_with_the_modules_and_their_cases(result: dict[str, Any]) -> None:
    root = ElementTree.fromstring(written(result, "mm"))  # noqa: S314 - written here
    assert (root.tag, root.get("version")) == ("map", "1.0.1")
    (middle,) = root
    assert middle.get("TEXT") == result["title"]
    cases = [node for module in middle for node in module if node.tag == "node"]
    assert [node.get("TEXT") for node in cases] == [f"{case['id']} {case['title']}" for case in result["cases"]]
    assert [node.get("TEXT") for node in middle] == list(dict.fromkeys(case["module"] for case in result["cases"]))


async def test_an_xmind_file_has_its_content_as_json_and_each_topic_an_id(result: dict[str, Any]) -> None:
    with zipfile.ZipFile(io.BytesIO(written(result, "xmind"))) as packed:
        assert packed.testzip() is None
        manifest = json.loads(packed.read("manifest.json"))["file-entries"]
        assert set(manifest) | {"manifest.json"} == set(packed.namelist())
        (sheet,) = json.loads(packed.read("content.json"))
    topics, waiting = [], [sheet["rootTopic"]]
    while waiting:
        topics.append(waiting.pop())
        waiting += topics[-1].get("children", {}).get("attached", [])
    assert len({topic["id"] for topic in topics}) == len(topics)
    titles = {topic["title"] for topic in topics}
    assert {f"{case['id']} {case['title']}" for case in result["cases"]} <= titles
    assert {case["expected"] for case in result["cases"]} <= titles


async def test_gherkin_is_read_by_cucumber_and_keeps_every_case(result: dict[str, Any]) -> None:
    feature = Parser().parse(written(result, "feature").decode())["feature"]
    assert feature is not None
    assert feature["language"] == ("zh-CN" if result["language"] == "zh" else "en")
    rules: list[Any] = list(feature["children"])
    scenarios = [inner["scenario"] for child in rules for inner in child["rule"]["children"]]
    assert [one["tags"][0]["name"] for one in scenarios] == [f"@{case['id']}" for case in result["cases"]]
    for scenario, case in zip(scenarios, result["cases"], strict=True):
        assert scenario["name"] == " ".join(case["title"].split())
        assert scenario["steps"][-1]["text"] == " ".join(case["expected"].split())
        tables = [
            step["dataTable"]["rows"][0]["cells"][0]["value"] for step in scenario["steps"] if "dataTable" in step
        ]
        assert tables == [step["data"] for step in case["steps"] if step["data"]]


async def test_the_report_shows_texts_from_outside_as_texts() -> None:
    """Bars and tags don't break the table."""
    result, context = await made_of(TEXTS["en"])
    assert "<b>" not in context.report.replace("\\<b\\>", "")
    rows = [line for line in context.parts["cases-0"].splitlines() if line.startswith("| TC")]
    assert len(rows) == len(result["cases"])
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {7}
