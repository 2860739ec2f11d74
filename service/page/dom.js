// Makes elements. Text is only ever text: nothing here reads HTML.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

function complete(element, parts) {
	for (const part of parts) {
		if (part?.constructor !== Object) element.append(part);
		else {
			for (const [name, value] of Object.entries(part)) {
				if (typeof value === "function") element.addEventListener(name, value);
				else element.setAttribute(name, value);
			}
		}
	}
	return element;
}

/** "p.small" is a p of that class. Of the parts, objects are attributes or listeners, the rest children. */
export function make(kind, ...parts) {
	const [tag, name] = kind.split(".");
	return complete(document.createElement(tag), name ? [{ class: name }, ...parts] : parts);
}

export const makeSvg = (tag, ...parts) => complete(document.createElementNS(SVG, tag), parts);

/** Set a text only where it changes, as screen readers notice each setting. */
export function setText(id, text) {
	const element = byId(id);
	if (element.textContent !== text) element.textContent = text;
}

export function makeTable(label, heads, rows) {
	const head = (scope, content) => make("th", { scope }, content);
	const cell = (content) => (content.tagName === "TD" ? content : make("td", content));
	const lines = rows.map(([first, ...rest]) => make("tr", head("row", first), ...rest.map(cell)));
	const top = make("tr", ...heads.map((content) => head("col", content)));
	const table = make("table", make("thead", top), make("tbody", ...lines));
	return make("div.scroll", { tabindex: 0, role: "region", "aria-label": label }, table);
}

export function makeBar(name, kind) {
	const bar = make("span", { class: `bar ${kind}` });
	const figure = make("span.figure");
	const element = make("li", make("span", name), make("span.track", bar), figure);
	const show = (share, text) => {
		bar.style.width = `${share * 100}%`;
		figure.textContent = text;
	};
	return { element, show };
}
