/* Before anything is drawn: the theme that the person chose, so that no other one flashes up (theme.js does the rest). */
try {
  const chosen = localStorage.getItem("duelo.theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
} catch {
  // storage can be forbidden
}
