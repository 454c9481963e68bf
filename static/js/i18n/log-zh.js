export const zh = {
  "why.started": "开始",
  "why.continued": "接着进行",
  "why.resumed": "已恢复",
  "why.retried": "重试",
  "why.handed_over": "移交给其他服务器",
  "why.upgraded": "程序有变，重新开始",
  "why.rerun": "重新运行",
}
