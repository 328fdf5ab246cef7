// Posts the token once; a cookie takes its place. The token is never part of an address.
import { outside } from "./transport/root.js";

const form = /** @type {HTMLFormElement} */ (document.querySelector("form"));
const problem = /** @type {HTMLElement} */ (document.getElementById("problem"));
const headers = { "Content-Type": "application/json", "X-Dealer-Player": "1" };

/** @returns {string} Address to go on to: of this site, whatever the link says. */
function further() {
  const to = new URL(outside(new URLSearchParams(location.search).get("to") || "/"), location.origin);
  return to.origin === location.origin ? to.href : outside("/");
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = /** @type {HTMLInputElement} */ (form.elements.namedItem("token"));
  problem.textContent = "";
  try {
    const answer = await fetch(outside("/login"), { method: "POST", headers, body: JSON.stringify({ token: field.value }) });
    if (answer.ok) {
      field.value = "";
      location.replace(further());
    } else {
      problem.textContent = (await answer.json()).detail;
    }
  } catch (error) {
    problem.textContent = `no answer: ${/** @type {Error} */ (error).message}`;
  }
});
