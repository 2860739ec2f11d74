// Which language the page speaks, and its words in it.

import { WORDS } from "./words.js";

const LOCALES = ["en", "zh-CN"];
const STORED = "phone-price-language";

function stored() {
	try {
		return localStorage.getItem(STORED);
	} catch {
		return null; // storage may be forbidden
	}
}

const preferred = () =>
	navigator.languages.map((tag) => LOCALES.find((known) => known.startsWith(tag.slice(0, 2)))).find(Boolean);

let language = Math.max(0, LOCALES.indexOf(stored() ?? preferred()));

export const locale = () => LOCALES[language];

export function switchLanguage() {
	language = 1 - language;
	try {
		localStorage.setItem(STORED, locale());
	} catch {
		// then for this visit only
	}
}

/** The words for `key`, or the key itself where it is the same in each language, as some units are. */
export const t = (key, ...given) =>
	(WORDS[key]?.[language] ?? key).replace(/\{(\d)\}/g, (_, index) => given[index]);

export function translatePage() {
	document.documentElement.lang = locale();
	for (const element of document.querySelectorAll("[data-words]")) element.textContent = t(element.dataset.words);
	for (const element of document.querySelectorAll("[data-label]")) element.ariaLabel = t(element.dataset.label);
}
