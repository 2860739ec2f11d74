// Why: what each specification contributes, and the smallest changes that lead to another range.

import { createCurve } from "./curve.js";
import { byId, make, setText } from "./dom.js";
import { chip, decimals, percent, plain, rangeName, specification } from "./format.js";
import { t } from "./language.js";
import { isFlag } from "./specifications.js";

const SMALL = 0.005;

export function createReasons(info, onChange) {
	const curve = createCurve(info, onChange);
	let chosen;
	let strongest;
	let curves = [];

	function explain({ baseline, contributions, prediction }) {
		strongest = contributions[0].feature;
		const most = Math.abs(contributions[0].contribution) || 1;
		const rows = contributions.map((each) => row(each, most));
		const small = rows.splice(contributions.filter((each) => Math.abs(each.contribution) >= SMALL).length);
		setText("from-to", t("fromTo", decimals(baseline, 2), decimals(prediction.expected_range, 2)));
		setText("others", t("others", small.length));
		const focused = document.activeElement.dataset.feature;
		byId("contributions").replaceChildren(...rows);
		byId("small-contributions").replaceChildren(...small);
		byId("why").hidden = false;
		if (focused) byId("why").querySelector(`[data-feature=${focused}]`).focus();
		showCurve();
	}

	function row({ feature, value, contribution }, most) {
		const bar = make("span", { class: contribution < 0 ? "cheaper" : "dearer" });
		bar.style.width = `${(Math.abs(contribution) / most) * 50}%`;
		const button = make(
			"button",
			{ "data-feature": feature },
			make("span", t(feature)),
			make("span.value", specification(feature, value)),
			make("span.balance", bar),
			make("span.figure", decimals(contribution, 2, "exceptZero")),
		);
		button.onclick = () => {
			chosen = feature;
			showCurve();
		};
		return make("li", button);
	}

	function whatIf({ curves: found, changes }) {
		curves = found;
		byId("changes").replaceChildren(...changes.map((change) => changeItem(change, onChange)));
		showCurve();
	}

	function showCurve() {
		const shown = curves.find(({ feature }) => feature === (chosen ?? strongest));
		if (shown) curve.show(shown);
		for (const button of byId("why").querySelectorAll("[data-feature]")) {
			button.ariaPressed = button.dataset.feature === shown?.feature;
		}
	}

	return { explain, whatIf };
}

function changeItem({ price_range: range, one_feature: one, two_features: two }, onTry) {
	const found = (one ?? two)?.changes ?? [];
	const changed = Object.fromEntries(found.map(({ feature, to }) => [feature, to]));
	const text = make("p", found.map(changeText).join(t("and")) || t("noChange"));
	if (found.length) text.append(make("span.small", ` ${t("then", percent((one ?? two).prediction.confidence))}`));
	const button = make("button", { "aria-label": `${t("tryIt")}: ${rangeName(range)}` }, t("tryIt"));
	button.onclick = () => {
		onTry(changed);
		byId("answer").focus(); // the button goes
	};
	return make("li", chip(range), text, ...(found.length ? [button] : []));
}

function changeText({ feature, from, to }) {
	if (isFlag(feature)) return t(to ? "with" : "without", t(feature));
	return t(to > from ? "more" : "less", t(feature), plain(from), specification(feature, to));
}
