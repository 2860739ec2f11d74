// The model card: as much Markdown as it has, made into elements.

import { make, makeTable } from "./dom.js";

const PICTURES = /^## Pictures\n[^]*?(?=^## )/m; // which are not served
const CODE = /^```.*\n([^]*?)^```$/m;

export function cardElements(markdown) {
	const parts = markdown.replace(PICTURES, "").split(CODE); // text and code take turns
	return parts.flatMap((part, index) => (index % 2 ? make("pre", part) : part.trim().split(/\n\n+/).map(block)));
}

function block(text) {
	const [, marks, heading] = text.match(/^(#+) (.*)/) ?? [];
	if (heading) return make(`h${marks.length + 2}`, {}, ...inline(heading));
	if (text.startsWith("|")) return table(text.split("\n"));
	if (text.startsWith("- ")) return make("ul", ...text.slice(2).split("\n- ").map(item));
	return make("p", ...inline(text));
}

const item = (text) => make("li", ...inline(text));

function inline(text) {
	const parts = text.split("`");
	return parts.map((part, index) => (index % 2 ? make("code", part) : part));
}

function table([head, , ...rows]) {
	const cells = (line) => line.slice(1, -1).split("|").map((cell) => make("span", ...inline(cell.trim())));
	return makeTable(head.replaceAll("|", " ").trim(), cells(head), rows.map(cells));
}
