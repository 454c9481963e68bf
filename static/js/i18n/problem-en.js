// The server tells in English itself what went wrong, and in more detail.
export const en = {}
