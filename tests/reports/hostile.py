"""A report whose sources were written by people who wish its readers ill, and one that has everything a report has."""

HOSTILE = """# A title <script>alert(1)</script> & "quotes" \u202egpj.exe

[one](javascript:alert(1)) [two](data:text/html,x) [three](file:///etc/passwd) [four](\\\\\\\\evil.example\\share)
[five](mailto:a@b.example) [six](https://ok.example/?a=1&b=2) [seven](http://[broken) [eight](//evil.example/x)
[nine](http://evil.example:99999/) [ten](vbscript:x) [eleven](/api/tasks) [twelve](#nowhere) [13](http://a b/)

![pixel](https://evil.example/pixel.png) ![own](/api/tasks/0123/artifacts/a.png) <img src=https://evil.example/i.png>

<svg onload=alert(1)><style>*{display:none}</style><meta http-equiv=refresh content="0;url=https://evil.example/">

<iframe src="https://evil.example/"></iframe>

## A heading <b>with markup</b> and [a link](https://ok.example/) &#8238;turned

> A quote with <script>document.title="ran"</script> and a &#x202E; control\u2067 [1]

— A source \u202a&lt;i&gt;title&lt;/i&gt; \x0b\x00

```html
</style><script>alert(1)</script>
```

| a <td> | `</w:t>` |
|---|---:|
| ]]> | &amp;amp; |

## Sources

- [1] ${IFS} {{7*7}} =cmd|' /C calc'!A0 — <https://ok.example/%22%3E%3Cscript%3E> · \\[1\\]
"""

WHOLE = """# 红茶该怎样冲泡

本报告由引文构成，答案来自 *三个* **来源**，~~删去~~ 的不算。

## 简短的回答

> 水要烧开，茶叶每人一勺，再加一勺给壶。 [1]

— 茶经 › 冲泡 · 1个来源

参见 [1]、[2] 和 [网页](https://example.org/tea?a=1&b=2)。

## 做法

1. 烧水
2. 温壶
   - 倒入热水
   - 倒掉
3. 泡茶

重新编号：

7. 第七
8. 第八

| 茶 | 温度 | 时间 |
|:---|---:|:---:|
| 红茶 | 95 °C | 四分钟 |
| 绿茶 | 80 °C | 两分钟 |

```python
def brew(tea: str) -> None:
    print(f"泡{tea}")
```

### 细节

长安门前一位老人说：风中的马、鱼、鸟和龙都爱喝茶，文字见于青史，金木水火土。

---

## 缺口

- 来源未能回答：`milk` 先放还是后放

## 来源

- [1] 茶经 — <https://example.org/cha> · 760
- [2] Tea, a history — `tea.md` · date unknown
"""
