// Markup in templates. What is put in is text, never markup.
import htm from "htm";
import { h } from "preact";

export const html = htm.bind(h);
