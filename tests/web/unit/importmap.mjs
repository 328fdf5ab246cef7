// Lets node resolve the page's bare names by the import map of its `index.html`.
import { readFileSync } from "node:fs";
import { register } from "node:module";
import { pathToFileURL } from "node:url";

const page = new URL("../../../dashboard/static/", import.meta.url);
const map = JSON.parse(/<script type="importmap">(.*?)<\/script>/s.exec(readFileSync(new URL("index.html", page), "utf8"))[1]).imports;
const urls = Object.fromEntries(Object.entries(map).map(([name, path]) => [name, new URL(`.${path.slice("/static".length)}`, page).href]));
const root = new URL("../../../", import.meta.url);
const hooks = `
  const urls = ${JSON.stringify(urls)};
  const root = ${JSON.stringify(root.href)};
  export const resolve = (name, context, next) => (name in urls ? { url: urls[name], format: "module", shortCircuit: true } : next(name, context));
  export const load = (url, context, next) => next(url, url.startsWith(root) ? { ...context, format: "module" } : context);
`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`, pathToFileURL("./"));
