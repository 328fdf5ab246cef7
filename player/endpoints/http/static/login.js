// Posts the token of a key once; a cookie that no script can read takes its place.
"use strict";
const form = document.querySelector("form"), problem = document.querySelector(".problem");
const changing = { "Content-Type": "application/json", "X-Dealer-Player": "1" };

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = form.elements.token, body = JSON.stringify({ token: field.value });
  problem.textContent = "";
  try {
    const answer = await fetch("/login", { method: "POST", headers: changing, body });
    if (!answer.ok) {
      problem.textContent = (await answer.json()).detail;
      return;
    }
    field.value = "";
    const to = new URL(new URLSearchParams(location.search).get("to") || "/", location.origin);
    location.replace(to.origin === location.origin ? to.href : "/");
  } catch (error) {
    problem.textContent = "no answer: " + error.message;
  }
});
