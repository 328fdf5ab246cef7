// Panels that a kind of Banks brings along.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { site } from "../state/site.js";
import { outside } from "../transport/root.js";
import { visible } from "../text/format.js";
import { html } from "./html.js";

/** @param {{row: any, described?: any, of?: string}} _ `of`: which of them, the name under which their module exports it. */
export function KindPanels({ row, described, of = "default" }) {
  const address = site.value.panels[row.kind];
  const made = useSignal(/** @type {any} */ (null));
  const problem = useSignal("");
  useEffect(() => {
    if (!address) return;
    import(outside(address))
      .then(async (module) => {
        const tools = await import("../panels.js");
        made.value = module[of]?.(tools) ?? null;
      })
      .catch((error) => {
        problem.value = error.message;
      });
  }, [address, of]);
  if (problem.value) return html`<p class="problem">the panels of ${visible(row.kind, 40)} cannot be shown: ${visible(problem.value, 300)}</p>`;
  if (!made.value) return null;
  return html`<${made.value} bank=${row.bank} row=${row} described=${described} />`;
}
