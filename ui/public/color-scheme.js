// Before the first paint, so that the page does not flash in the other scheme. The same as Mantine's own inline
// script, which the Content-Security-Policy does not let through.
(function () {
  var stored = null;
  try {
    stored = window.localStorage.getItem("aiop-color-scheme");
  } catch {
    // Storage is switched off: the system's scheme it is.
  }
  var dark = stored === "dark" || (stored !== "light" && window.matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();
