// Before the first paint, so that no theme flashes into another. The rest is in page/theme-switch.js.
const theme = localStorage.getItem("holdfast.theme")
if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme
