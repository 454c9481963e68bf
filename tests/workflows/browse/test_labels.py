"""Forms are filled in by what stands beside their fields; what is not clear is asked back with what there is."""

import pytest

from server.sources.chromium.pool import Chromium
from server.workflows.browse.labels import plain
from tests.workflows.browse.site import Site
from tests.workflows.browse.test_pages import browse


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("用户名*：", "用户名"),
        ("* Name:", "name"),
        ("Ｎａｍｅ", "Name"),
        ("地址（必填）", "地址"),
        ("E-mail  address (required)", "e-mail address"),
        ("Phone optional", "Phone"),
        ("【选填】备注", "备注"),
    ],
)
def test_marks_width_and_case_make_no_other_label(written: str, same: str) -> None:
    assert plain(written) == plain(same)


def test_different_labels_stay_different() -> None:
    assert len({plain(label) for label in ("Name", "Names", "姓名", "用户名", "Optional", "C++", "C")}) == 7


@pytest.mark.browser
@pytest.mark.anyio
async def test_each_way_of_labelling_a_field_is_found(pool: Chromium, odd_site: Site) -> None:
    """For, placeholder, cell, aria, legend, options by their text, a part that is the only one, one that comes late."""
    fill = {
        "用户名": "李雷", "E-mail address": "a@b.example", "手机号码": "13800000000", "age": "33", "Home town": "Ulm",
        "性别": "女", "Interests": "Books, Chess", "省份": "广东省", "company": "Firm", "Late": "yes", "street2": "x",
    }  # fmt: skip
    result, _ = await browse(pool, {"url": odd_site.url + "/labels", "fill": fill, "submit": "提交申请"})
    assert result["items"][0]["error"] is None
    assert odd_site.posted == [
        {"user": "李雷", "mail": "a@b.example", "phone": "13800000000", "age": "33", "town": "Ulm", "sex": "2",
         "books": "y", "chess": "y", "province": "44", "street2": "x", "firm": "Firm", "late": "yes"}
    ]  # fmt: skip


@pytest.mark.browser
@pytest.mark.anyio
@pytest.mark.parametrize(
    ("label", "value", "code", "named"),
    [
        ("Street", "x", "ambiguous_label", ["name street1", "name street2"]),
        ("密码", "x", "no_label", ["用户名", "E-mail address", "性别 * › 男", "Street"]),
        ("省份", "Bavaria", "no_option", ["北京市", "广东省"]),
        ("性别", "?", "no_option", ["男", "女"]),
    ],
)
async def test_a_label_that_is_not_clear_is_answered_with_what_there_is(
    pool: Chromium, odd_site: Site, label: str, value: str, code: str, named: list[str]
) -> None:
    """And nothing is sent."""
    task = {"url": odd_site.url + "/labels", "fill": {label: value}, "submit": "提交申请", "retries": 0}
    result, _ = await browse(pool, task)
    error = result["items"][0]["error"]
    assert error["code"] == code
    assert [name for name in named if name not in error["message"]] == []
    assert odd_site.posted == []


@pytest.mark.browser
@pytest.mark.anyio
async def test_fields_in_frames_and_shadow_roots_are_found_too(pool: Chromium, odd_site: Site) -> None:
    task = {"url": odd_site.url + "/form", "fill": {"Code": "B-2", "Inner": "in", "Letter": "好", "Large": "true"}}
    result, _ = await browse(pool, {**task, "submit": "提交"})
    assert result["items"][0]["error"] is None
    assert [odd_site.posted[0][name] for name in ("box", "letter", "size")] == ["B-2", "好", "l"]
