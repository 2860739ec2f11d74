// Numbers, percentages and specifications as a person writes them.

import { make } from "./dom.js";
import { locale, t } from "./language.js";
import { isFlag, UNITS } from "./specifications.js";

const formatted = (value, options) => new Intl.NumberFormat(locale(), options).format(value);

export const decimals = (value, digits, signDisplay = "auto") =>
	formatted(value, { minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay });

export const plain = (value) => formatted(value, { maximumFractionDigits: 2 });

/** 0.9997 is not 100 %: what would round to a certainty says so. */
export function percent(share) {
	if (share < 0.001) return t("percent", "<0.1");
	if (share > 0.999) return t("percent", ">99.9");
	return exactPercent(share);
}

export const exactPercent = (share) => t("percent", decimals(share * 100, 1));

export const specification = (feature, value) =>
	isFlag(feature) ? t(value ? "yes" : "no") : `${plain(value)} ${t(UNITS[feature])}`;

export const span = (feature, low, high) => `${plain(low)}–${specification(feature, high)}`;

export const rangeName = (range) => t(`range${range}`);

export const chip = (range) => make("b", { class: `chip range-${range}` }, rangeName(range));

export const anyOf = (ranges) => ranges.map(rangeName).join(t("or"));
