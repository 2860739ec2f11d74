// The model view: how good the model is, what it was trained on, and its card.

import { ask } from "./api.js";
import { cardElements } from "./card.js";
import { byId, make, makeSvg, makeTable } from "./dom.js";
import { decimals, exactPercent, plain, rangeName, span } from "./format.js";
import { locale, t } from "./language.js";
import { isFlag } from "./specifications.js";

const SIZE = 280;
const EDGE = 40;

export async function showModel(info) {
	byId("model-view").replaceChildren(
		make("h2", t("model")),
		figures(info),
		make("h3", t("confusion")),
		confusionTable(info),
		make("h3", t("reliability")),
		make("p", t("reliabilityText")),
		reliabilityDiagram(info),
		make("h3", t("trained")),
		featureTable(info),
		make("h3", t("about")),
		facts(info),
		make("article", { id: "card", lang: "en" }),
	);
	const card = await ask("model-card", (response) => response.text());
	byId("card").replaceChildren(...cardElements(card));
}

function figures({ metrics, calibration }) {
	const rows = plain(metrics.rows);
	const item = (figure, ...words) => make("li", make("b", figure), t(...words));
	return make(
		"ul.figures",
		item(exactPercent(metrics.accuracy), "accuracyText", rows),
		item(exactPercent(metrics.coverage), "coverageText", exactPercent(calibration.coverage)),
		item(decimals(metrics.mean_set_size, 2), "sizeText"),
		item(plain(metrics.off_by_more_than_one), "farText", rows),
		item(exactPercent(metrics.ece), "eceText"),
	);
}

function confusionTable({ metrics, classes }) {
	const names = classes.map((each) => rangeName(each.price_range));
	const cells = (counts) => {
		const all = counts.reduce((sum, count) => sum + count);
		return counts.map((count) => {
			const cell = make("td.figure", plain(count));
			cell.style.background = `color-mix(in srgb, var(--accent) ${(count / all) * 35}%, transparent)`;
			return cell;
		});
	};
	const rows = metrics.confusion_matrix.map((counts, range) => [names[range], ...cells(counts)]);
	return makeTable(t("confusion"), [t("trueAnswer"), ...names], rows);
}

function reliabilityDiagram({ metrics: { reliability } }) {
	const x = (share) => EDGE + share * (SIZE - 2 * EDGE);
	const y = (share) => SIZE - x(share);
	const text = (content, x, y) => makeSvg("text", { x, y, "text-anchor": "middle" }, content);
	const most = Math.max(...reliability.map((bin) => bin.phones));
	const summary = [];
	const dots = reliability.map(({ confidence, accuracy, phones }) => {
		summary.push(`${t("confidence")} ${exactPercent(confidence)}, ${t("accuracy")} ${exactPercent(accuracy)}`);
		return makeSvg("circle", { cx: x(confidence), cy: y(accuracy), r: 4 + 8 * Math.sqrt(phones / most) });
	});
	return makeSvg(
		"svg",
		{ role: "img", viewBox: `0 0 ${SIZE} ${SIZE}`, width: SIZE, "aria-label": summary.join("; ") },
		makeSvg("path", { d: `M${x(0)} ${y(1)}V${y(0)}H${x(1)}` }),
		makeSvg("path", { d: `M${x(0)} ${y(0)}L${x(1)} ${y(1)}`, class: "given" }),
		...dots,
		...[0, 50, 100].flatMap((figure) => [
			text(figure, x(figure / 100), SIZE - 22),
			text(figure, EDGE - 18, y(figure / 100) + 4),
		]),
		text(t("confidence"), SIZE / 2, SIZE - 4),
		text(t("accuracy"), EDGE + 14, EDGE - 20),
	);
}

function featureTable({ features }) {
	const choice = `${t("no")} / ${t("yes")}`;
	const rows = features.map(({ name, low, high, plausible_low: least, plausible_high: most }) =>
		isFlag(name) ? [t(name), choice, choice] : [t(name), span(name, low, high), span(name, least, most)],
	);
	return makeTable(t("trained"), ["specification", "learnt", "accepted"].map((key) => t(key)), rows);
}

function facts({ model_version, created, recipe, parameter_count, data, engine, libraries }) {
	const entries = {
		version: model_version,
		created: new Date(created).toLocaleDateString(locale(), { dateStyle: "long" }),
		recipe: recipe.name,
		parameters: plain(parameter_count),
		data: t("done", data.name, plain(data.rows)),
		"SHA-256": data.sha256,
		engine,
		libraries: Object.entries(libraries).map((pair) => pair.join(" ")).join(", "),
	};
	const pairs = Object.entries(entries).flatMap(([key, text]) => [make("dt", t(key)), make("dd", text)]);
	return make("dl", ...pairs);
}
