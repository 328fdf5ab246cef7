// Sets the theme before anything is drawn, so that no page flashes white. A classic script: it has to run first.
"use strict";
{
  let chosen = "system";
  try {
    chosen = localStorage.getItem("theme") || "system";
  } catch {
    // without storage the page follows the system
  }
  document.documentElement.dataset.theme = ["light", "dark", "red"].includes(chosen) ? chosen : "system";
}
