// Ends the session of this browser.
"use strict";
document.getElementById("logout").addEventListener("click", async () => {
  await fetch("/logout", { method: "POST", headers: { "X-Dealer-Player": "1" } });
  location.replace("/login");
});
