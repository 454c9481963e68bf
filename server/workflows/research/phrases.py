"""What the program itself says in a digest, in both languages."""

from typing import Any

_PHRASES: dict[str, tuple[str, str]] = {
    "about": (
        "*Evidence digest by Holdfast's embedded engine. Every quoted sentence stands word for word in the source that "
        "its number names; code chose them, no model wrote or judged anything here.*",
        "*这是 Holdfast 内置引擎生成的证据摘要。每一句引文都逐字出自编号所指的来源；"
        "由程序挑选，没有使用模型撰写或判断。*",
    ),
    "short_answer": ("Short answer", "简要回答"),
    "more": ("More on the question itself", "关于问题本身的更多内容"),
    "nothing": (
        "No evidence was found: nothing in the sources that were searched speaks to this question.",
        "没有找到证据：所检索的来源中没有内容涉及这个问题。",
    ),
    "main_unanswered": (
        "No sentence answers the question itself; what was found on parts of it follows.",
        "没有句子直接回答这个问题；以下是与其部分内容有关的材料。",
    ),
    "above": ("Answered by the quotes above", "上文引文已回答的问题"),
    "all_above": ("{question} {marks}", "{question} {marks}"),
    "independent": ("Independent sources: {count}", "独立来源：{count} 个"),
    "like_wording": ("like wording in {count} independent sources", "{count} 个独立来源有相近表述"),
    "only_en": (
        "These sources are in English.",
        "以下来源为英文；是凭与问题共有的词语找到的，未作翻译。",
    ),
    "only_zh": (
        "These sources are in Chinese; they were found by terms they share with the question, and are not translated.",
        "以下来源为中文。",
    ),
    "gaps": ("Gaps", "缺口"),
    "no_gaps": ("Every question of the plan has evidence.", "计划中的每个问题都有证据。"),
    "unanswered": ("Not answered by the sources: {question}", "来源未能回答：{question}"),
    "not_searched": (
        "Not searched, since the time budget was used up: {question}",
        "时间预算已用完，没有检索：{question}",
    ),
    "failed_source": ("Not read: {name} ({message})", "未能阅读：{name}（{message}）"),
    "sources": ("Sources", "来源"),
    "dateless": ("Sources without a date here give none.", "此处没有日期的来源均未注明日期。"),
    "method": ("How this was made", "制作说明"),
    "method_engine": (
        "Engine: embedded (retrieval and verbatim quotation; no model).",
        "引擎：内置（检索与逐字引用；不用模型）。",
    ),
    "method_library": (
        "Library: {name}; documents searched: {documents}; left out as copies of others: {duplicates}; "
        "could not be read: {unreadable}; state {digest}.",
        "资料库：{name}；检索文档 {documents} 篇；因与其他文档内容相同而略去 {duplicates} 篇；"
        "无法阅读 {unreadable} 篇；状态 {digest}。",
    ),
    "method_unreadable": ("Library files that could not be read: {files}.", "资料库中无法阅读的文件：{files}。"),
    "unreadable_file": ("{name} ({message})", "{name}（{message}）"),
    "more_files": ("and {count} more, all of which the result names", "另有 {count} 个，结果中全部列出"),
    "method_no_library": ("Library: not searched.", "资料库：未检索。"),
    "method_pages": (
        "Pages named in the request: {read} read, {failed} failed.",
        "请求指定的网页：已读 {read} 个，失败 {failed} 个。",
    ),
    "method_web": ("Web search: none; this server has no search provider.", "网络搜索：未进行；本服务器没有搜索服务。"),
    "method_academic": (
        "Academic search: none; this server has no provider for it.",
        "学术检索：未进行；本服务器没有相应服务。",
    ),
    "method_web_asked": ("Web search: {names}.", "网络搜索：{names}。"),
    "method_academic_asked": ("Academic search: {names}.", "学术检索：{names}。"),
    "method_found": (
        "Searches of these: {searched}; pages and abstracts found and read: {found_read}, failed: {found_failed}.",
        "上述检索共 {searched} 次；找到并阅读网页和摘要 {found_read} 篇，失败 {found_failed} 篇。",
    ),
    "method_providers_failed": (
        "Search providers that gave nothing: {failures}.",
        "未能取得结果的检索服务：{failures}。",
    ),
    "method_searches": ("Questions: {questions}; searches: {searches}.", "问题 {questions} 个；检索 {searches} 次。"),
    "method_quotes": (
        "Quotes: {quotes}; sources quoted: {sources}; each quote was compared with its source by code.",
        "引文：{quotes} 条，来自 {sources} 个来源，均由程序与来源逐字核对。",
    ),
    "method_model": ("With a model, Holdfast would also: {needs}.", "若配置模型，Holdfast 还能：{needs}。"),
    "status": ("Result: {status}.", "结果：{status}。"),
    "complete": ("complete", "完整"),
    "partial": ("partial", "部分"),
    "no_evidence": ("no evidence", "没有证据"),
    "need_writing": ("write a connected text", "写成连贯的文章"),
    "need_planning": ("plan questions for this subject", "针对主题规划问题"),
    "need_judgement": ("weigh contradictions", "权衡相互矛盾之处"),
    "need_instructions": ("follow the instructions that were given", "遵循所给的附加要求"),
    "need_translation": ("translate the quotes", "翻译引文"),
    "step_scope": ("Understanding the question", "理解问题"),
    "step_fetch": ("Reading {name}", "阅读 {name}"),
    "step_ground": ("Looking through the sources", "浏览来源"),
    "step_plan": ("Planning the questions", "规划问题"),
    "step_find": ("Asking search providers: {question}", "询问检索服务：{question}"),
    "step_search": ("Searching: {question}", "检索：{question}"),
    "step_learn": ("Choosing evidence: {question}", "挑选证据：{question}"),
    "step_gaps": ("Looking for gaps", "查找缺口"),
    "step_cite": ("Checking quotes", "核对引文"),
    "step_write": ("Writing: {name}", "撰写：{name}"),
    "step_finish": ("Finishing", "收尾"),
    "reading_library": ("Reading the library: {done} of {total} documents", "正在阅读资料库：{done} / {total} 篇"),
    "searching_library": ("Documents searched: {count}", "正在检索 {count} 篇文档"),
    "found": ("Sources found: {count}", "找到 {count} 个来源"),
    "link_removed": ("(address removed)", "（网址已删除）"),
    "unverified": ("(not found in the sources)", "（未在来源中找到原文）"),
    "model_about": (
        "*Research by Holdfast with the model {model}. The model wrote this text; code has checked that each number "
        "leads to a source that was read, and that what the evidence quotes stands there word for word.*\n\n",
        "*由 Holdfast 使用模型 {model} 研究撰写。正文由模型写成；程序已核对：每个编号都指向读过的来源，"
        "证据所引的文字逐字出自该来源。*\n\n",
    ),
    "plan": ("Plan", "计划"),
    "no_images": ("Images: none; those of the sources are not kept.", "图片：没有；来源中的图片不予保留。"),
    "step_read": ("Looking for passages: {question}", "查找段落：{question}"),
    "step_outline": ("Outlining the report", "拟定提纲"),
    "time_spent": (
        "The time budget was used up before everything was searched and read.",
        "时间预算用完，未能检索和阅读全部内容。",
    ),
    "incomplete": ("Not done in full: {step} ({code})", "未能完整完成：{step}（{code}）"),
    "unverified_statements": (
        "Left out, as their quotes do not stand in the sources they name: {count} of the model's statements",
        "已略去模型的 {count} 条陈述：其引文不在所指来源中",
    ),
    "also_read": ("Evidence rests on these too, which the text does not cite:", "以下来源也有证据，但正文未引用："),
    "model_engine": ("Engine: language model ({models}).", "引擎：语言模型（{models}）。"),
    "model_web": ("Searched with: {names}.", "所用检索服务：{names}。"),
    "model_counts": (
        "Searches: {searches}; pages read: {pages_read}, failed: {pages_failed}; "
        "statements: {statements}, from {sources} sources.",
        "检索 {searches} 次；阅读网页 {pages_read} 个，失败 {pages_failed} 个；"
        "陈述 {statements} 条，来自 {sources} 个来源。",
    ),
    "model_checked": (
        "Taken out or marked by code: citations {citations}, addresses {links}, quotes {unverified_quotes}, "
        "statements {statements}; statements kept: {evidence}.",
        "由程序删去或标出：引用编号 {citations} 处，网址 {links} 处，引文 {unverified_quotes} 处，"
        "陈述 {statements} 条；保留陈述 {evidence} 条。",
    ),
    "chosen": ("Quotes chosen: {count}", "选出 {count} 条引文"),
}


def say(language: str, phrase: str, **values: Any) -> str:
    english, chinese = _PHRASES[phrase]
    return (chinese if language == "zh" else english).format(**values)
