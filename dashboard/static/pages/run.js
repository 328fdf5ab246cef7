// Run the array: Banks that are chosen, their control, scans, parameters, methods; and what came of it.
import { useComputed } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { acts } from "../state/acts.js";
import { moment } from "../state/clock.js";
import { drafts } from "../state/drafts.js";
import { session } from "../state/site.js";
import { changesOf, describedParameters } from "../text/parameters.js";
import { visible } from "../text/format.js";
import { Acts } from "../views/acts.js";
import { BankChoice, chosenRows } from "../views/bankchoice.js";
import { ControlPanel } from "../views/controlpanel.js";
import { useJson, useTopics } from "../views/hooks.js";
import { html } from "../views/html.js";
import { MethodForm } from "../views/methodform.js";
import { ParameterPanel } from "../views/parameterpanel.js";
import { RunningOperations } from "../views/bankpanels.js";
import { ScanControl } from "../views/scancontrol.js";

const EVERY_S = 5;

function Who() {
  const { key, role, control } = session.value;
  if (!control) return html`<span class="warn">This dashboard only looks: it runs the array when it is started with <code>--control</code>.</span>`;
  return html`<span class="dim">${key ? `${visible(key, 40)}, role ${role}` : `nobody has to log in here: role ${role}`}</span>`;
}

/** The page. */
export default function Run() {
  useTopics("overview", "operations", "acts");
  const rows = chosenRows.value;
  const names = useComputed(() => chosenRows.value.filter((row) => row.link.state === "live" && row.dialect === "native").map((row) => row.bank).join("\n"));
  const banks = names.value ? names.value.split("\n") : [];
  const first = rows.find((row) => row.bank === banks[0]);
  const described = useJson(first ? `/api/banks/${encodeURIComponent(first.bank)}?interface=${first.interface}` : null).told;
  const isPast = moment.value !== null;
  const answer = useJson(banks.length && !isPast ? `/api/parameters?${new URLSearchParams(banks.map((bank) => ["bank", bank]))}` : null, EVERY_S);
  const ended = useComputed(() => acts.value.filter((each) => each.ended !== null).map((each) => each.id).join());
  useMemo(() => answer.again(), [ended.value]);
  const parameters = useMemo(() => describedParameters(described), [described]);
  const values = answer.told?.values ?? {};
  const changes = useMemo(() => changesOf(drafts.value, values, parameters), [drafts.value, answer.told, parameters]);
  return html`<div class="page-head"><h1>Run</h1><${Who} /></div>
    <div class="run-grid">
      <div class="stack"><${BankChoice} /><${ControlPanel} rows=${rows} /><${ScanControl} rows=${rows} described=${described} changes=${changes} />
        <${RunningOperations} banks=${rows.map((row) => row.bank)} /><${Acts} /></div>
      <div class="stack">${isPast ? html`<p class="panel empty">Parameters are shown of now only; what was set stands in the <a href="/journal">journal</a>.</p>` : Object.keys(values).length > 0 && html`<${ParameterPanel} rows=${rows} answer=${answer} again=${answer.again} parameters=${parameters} changes=${changes} />`}
        <${MethodForm} rows=${rows} described=${described} /></div>
    </div>`;
}
