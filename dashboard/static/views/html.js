// Markup in templates. What is put in is text, never markup.
import htm from "htm";
import { h } from "preact";
import { outside } from "../transport/root.js";

/**
 * @param {any} type
 * @param {any} props
 * @param {...any} children
 */
function element(type, props, ...children) {
  const isLink = typeof type === "string" && typeof props?.href === "string";
  return h(type, isLink ? { ...props, href: outside(props.href) } : props, ...children);
}

export const html = htm.bind(element);
