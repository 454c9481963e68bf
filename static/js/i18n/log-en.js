export const en = {
  "why.started": "begun",
  "why.continued": "gone on with",
  "why.resumed": "resumed",
  "why.retried": "tried again",
  "why.handed_over": "handed over to another server",
  "why.upgraded": "begun anew, as the program has changed",
  "why.rerun": "run again",
}
