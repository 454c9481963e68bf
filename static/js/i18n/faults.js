// What is wrong with a field, for those who fill in a form: the server's own sentences speak of names in JSON, and English.
// Fetched when the server refuses something. The key is the field's path without the numbers of rows, and the code; or the code alone.

const NOT_TAKEN = { zh: "服务器不接受此项：{message}" }
const NUMBER = { en: "This is no number.", zh: "这不是数字。" }
const WHOLE = { en: "A whole number belongs here.", zh: "这里要填整数。" }
const OFFERED = { en: "This is none of those that can be chosen.", zh: "不在可选范围内。" }
const TWICE = { en: "This stands here twice.", zh: "与另一项重复。" }
const SHAPE = { en: "This has another form than is wanted here.", zh: "内容的格式不符合要求。" }
const ONE_DOCUMENT = { en: "Give a text or a file, not both.", zh: "文本和文件只能给一个。" }

const FAULTS = {
  "bool_parsing": SHAPE,
  "bool_type": SHAPE,
  "dict_type": SHAPE,
  "duplicate": TWICE,
  "enum": OFFERED,
  "extra_forbidden": { en: "Nothing of this name is known here.", zh: "没有这个参数。" },
  "finite_number": NUMBER,
  "float_parsing": NUMBER,
  "float_type": NUMBER,
  "import_only": { en: "This is only for an import.", zh: "此项只用于导入。" },
  "int_from_float": WHOLE,
  "int_parsing": WHOLE,
  "int_type": WHOLE,
  "list_type": SHAPE,
  "literal_error": OFFERED,
  "model_attributes_type": SHAPE,
  "model_type": SHAPE,
  "needs_model": { en: "This needs a model, and this server has none.", zh: "此项需要模型，而服务器没有配置模型。" },
  "string_pattern_mismatch": SHAPE,
  "string_type": SHAPE,
  "tuple_type": SHAPE,
  "value_error": NOT_TAKEN,

  "query.value_error": { zh: "问题里没有可见的字符。" },
  "sources.nothing_to_search": { zh: "没有可以检索的来源：请打开资料库或网络检索，或给出网页。" },
  "budget.money.no_price": { zh: "服务器不知道模型的价格，无法按金额设限。" },

  "tasks.url.missing": { en: "Name the address of the page.", zh: "请填写网页地址。" },
  "tasks.url.value_error": { en: "This is no http:// or https:// address that can be opened.", zh: "这不是可以打开的 http:// 或 https:// 地址。" },
  "task_indices.out_of_range": { zh: "没有这个序号的网页；序号从 0 开始。" },
  "share_session.in_order_only": { en: "A session is shared only where one page runs at once.", zh: "只有并行数为 1 时才能共用会话。" },

  "users.one_of_them": { en: "Choose a file, or add users with their texts, or name the task whose failed users are to be retried; one of them.", zh: "请选择文件，或添加用户及其文本，或填写要重试失败用户的任务，三者取一。" },
  "users.texts.duplicate": { en: "Two texts of this user have the same id.", zh: "此用户有两段文本的 id 相同。" },
  "retry_failed_of.no_such_task": { zh: "没有这个任务，或者它不是事件抽取任务。" },
  "timezone.value_error": { en: "This is no time zone; name one as Asia/Shanghai, Europe/Berlin or UTC.", zh: "没有这个时区；请写成 Asia/Shanghai、Europe/Berlin 或 UTC。" },
  "rules.pattern.value_error": { zh: "这不是 Python 的正则表达式：{message}" },

  "text.missing": { en: "Write requirements, or choose a file.", zh: "请写下需求，或选择文件。" },
  "upload.both_given": ONE_DOCUMENT,

  "novel.title.missing": { en: "A new novel needs a title; one that is there already is named by its id.", zh: "新小说需要标题；已有的小说填 id。" },
  "range.value_error": { en: "Chapters are written as 3, 1-10 or 1-3,7, from 1 on and upwards.", zh: "章节写成 3、1-10 或 1-3,7，从 1 开始，由小到大。" },
  "range.outside_chapters": { zh: "小说没有这些章节。" },
  "base_revision.not_yet": { zh: "设定还没有这个修订号。" },
  "novel.volumes.too_many": { en: "There are more volumes than chapters.", zh: "卷数多于章数。" },
}

/** An error in words of this language, as far as there are some: then it is shown as it is. */
export function worded(error, language) {
  const path = error.path.replace(/\.\d+(?=\.|$)/g, "")
  const { [language]: words } = FAULTS[`${path}.${error.code}`] ?? FAULTS[error.code] ?? {}
  return !words ? error : { ...error, message: words.replace("{message}", error.message), isWorded: true }
}
