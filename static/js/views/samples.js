// What each kind can be tried with, in both languages: parameters that work as they stand, without a key and without the web.

const own = (page) => `${location.origin}/docs/${page}`

export const SAMPLES = {
  browse: {
    en: [
      ["Three pages of this server, with text and screenshot", () => ({ tasks: ["index.md", "web.md", "errors.md"].map((page) => ({ url: own(page), captures: ["text", "screenshot"] })) })],
      ["Open the asking page, write a question into it and keep a screenshot", () => ({ tasks: [{ title: "Fill in a form", url: `${location.origin}/`, steps: filled("Your question", "How does Holdfast resume a stream?") }] })],
    ],
    zh: [
      ["本服务器的三个网页，保留文字和截图", () => ({ tasks: ["zh/index.md", "zh/web.md", "zh/errors.md"].map((page) => ({ url: own(page), captures: ["text", "screenshot"] })) })],
      ["打开提问页，填入一个问题并截图", () => ({ tasks: [{ title: "填写表单", url: `${location.origin}/`, steps: filled("Your question", "Holdfast 如何恢复流？") }] })],
    ],
  },
  extract: {
    en: [
      ["Appointments and purchases in the notes of two people", () => ({ timezone: "Europe/London", users: [
        { user_id: "anna", texts: [{ text: "I have a meeting with Dr Smith at the Royal Hospital next Friday at 3pm. The train ticket cost £42.", written_at: "2026-03-02T09:00:00Z" }] },
        { user_id: "ben", texts: [{ text: "Moved to Bristol on 5 January 2026 and bought a bicycle for £350 last weekend.", written_at: "2026-03-02T18:30:00Z" }] },
      ] })],
      ["Releases in a changelog, by a rule of one's own", () => ({ users: [{ user_id: "changelog", texts: [{ text: "Version 1.2.0 was released on 2026-02-14.\nVersion 1.2.1 was released on 2026-02-20." }] }], rules: [{ name: "version", regex: "Version (?P<v>[0-9.]+) was released on (?P<day>[0-9-]{10})", fields: { trigger: "v", time: "day" } }] })],
    ],
    zh: [
      ["两个人的记录里的约会与消费", () => ({ timezone: "Asia/Shanghai", users: [
        { user_id: "小林", texts: [{ text: "下周三下午3点在人民医院复诊，挂号费50元。", written_at: "2026-03-02T09:00:00+08:00" }] },
        { user_id: "阿强", texts: [{ text: "上周五晚上8点和王芳在外滩吃饭，花了320元。3月15日要去杭州出差。", written_at: "2026-03-02T18:30:00+08:00" }] },
      ] })],
      ["用自定义规则找出订单与付款", () => ({ timezone: "Asia/Shanghai", users: [{ user_id: "客服", texts: [{ text: "订单A1024于2026年2月14日付款128元。\n订单A1025于2026年2月20日付款99元。" }] }], rules: [{ name: "付款", regex: "订单(?P<no>A\\d+)于(?P<day>\\d+年\\d+月\\d+日)付款(?P<sum>\\d+元)", fields: { trigger: "no", time: "day", amount: "sum" } }] })],
    ],
  },
  testcases: {
    en: [
      ["Signing up, in prose", () => ({ title: "Sign-up", text: "Username is required and must be between 6 and 20 characters long.\nAge must be between 18 and 60.\nPassword must contain a digit and a capital letter.\nAfter 5 consecutive failed login attempts, the account is locked." })],
      ["An order and its states, as a specification", () => ({ title: "Shop", spec: { modules: [{ name: "Order", fields: [{ name: "quantity", type: "integer", min: 1, max: 99, required: true }, { name: "delivery", type: "enum", values: ["post", "courier"] }], rules: [{ when: { quantity: ">=50" }, then: "a discount is granted" }], states: { initial: "new", transitions: [{ from: "new", event: "pay", to: "paid" }, { from: "paid", event: "send", to: "sent" }, { from: "new", event: "cancel", to: "cancelled" }] } }] } })],
    ],
    zh: [
      ["注册功能，用文字描述", () => ({ title: "注册", text: "用户名必填，长度为6到20个字符。\n年龄必须在18到60岁之间。\n密码必须包含数字和大写字母。\n连续输错5次密码，账户锁定。" })],
      ["订单及其状态，用规格描述", () => ({ title: "商城", spec: { modules: [{ name: "订单", fields: [{ name: "数量", type: "integer", min: 1, max: 99, required: true }, { name: "配送方式", type: "enum", values: ["邮寄", "快递"] }], rules: [{ when: { 数量: ">=50" }, then: "给予折扣" }], states: { initial: "新建", transitions: [{ from: "新建", event: "付款", to: "已付款" }, { from: "已付款", event: "发货", to: "已发货" }, { from: "新建", event: "取消", to: "已取消" }] } }] } })],
    ],
  },
  novel: {
    en: [
      ["The outline of a new novel in twelve chapters", () => ({ novel: { title: "The Night Mail", genre: "Mystery", synopsis: "A letter that was posted forty years ago arrives, and the postwoman sets out to find who wrote it.", chapters: 12, words_per_chapter: 2000 }, task_type: "outline" })],
      ["A manuscript of one's own, split into its chapters", () => ({ novel: { title: "The Lighthouse", language: "en", chapters: 2 }, task_type: "import", manuscript: "Chapter 1 The Storm\n\nThe lamp went out at midnight. Mara climbed the stairs with a candle.\n\nChapter 2 The Boat\n\nAt dawn a boat lay on the rocks, and nobody was in it." })],
    ],
    zh: [
      ["一部十二章新小说的大纲", () => ({ novel: { title: "夜邮", genre: "悬疑", synopsis: "一封四十年前寄出的信终于送到，邮递员林晚决定找出写信的人。", chapters: 12, words_per_chapter: 2000 }, task_type: "outline" })],
      ["导入自己的书稿，按章拆分", () => ({ novel: { title: "灯塔", language: "zh", chapters: 2 }, task_type: "import", manuscript: "第一章 风暴\n\n午夜，灯灭了。林晚举着蜡烛爬上楼梯。\n\n第二章 小船\n\n天亮时，礁石上搁着一条小船，船上没有人。" })],
    ],
  },
  demo: {
    en: [["A minute of writing in twenty steps", () => ({ events: 600, rate: 10, steps: 20, items: 40 })]],
    zh: [["分二十步写上一分钟", () => ({ events: 600, rate: 10, steps: 20, items: 40 })]],
  },
}

function filled(label, value) {
  return [{ type: "fill", label, value }, { type: "screenshot", name: "filled" }]
}
