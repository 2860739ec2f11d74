// The what-if curve: the expected price range over one specification, to be read and clicked.

import { byId, makeSvg, setText } from "./dom.js";
import { decimals, percent, rangeName, specification } from "./format.js";
import { t } from "./language.js";

const HEIGHT = 280;
const LEFT = 84;
const RIGHT = 14;
const BOTTOM = 30;
const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

export function createCurve(info, onChoose) {
	const chart = byId("chart");
	const reader = byId("reader");
	const cursor = makeSvg("circle", { r: 6 });
	let curve;
	let at = 0;

	const x = (value) => {
		const [low, high] = [curve.values[0], curve.values.at(-1)];
		return LEFT + ((chart.clientWidth - LEFT - RIGHT) * (value - low)) / (high - low);
	};
	const y = (range) => ((HEIGHT - BOTTOM) * (3.5 - range)) / 4;
	const given = () => curve.values.indexOf(curve.value);

	function show(shown) {
		curve = shown;
		setText("curve-heading", t("whatIf", t(curve.feature)));
		reader.ariaLabel = t("whatIf", t(curve.feature));
		reader.ariaValueMax = curve.values.length - 1;
		draw();
		moveTo(given());
	}

	function draw() {
		if (!curve || !chart.clientWidth) return;
		const { feature, values, value, expected_range: expected } = curve;
		const points = values.map((each, index) => `${x(each)},${y(expected[index])}`);
		const ends = [0, -1].flatMap((end) => [specification(feature, values.at(end)), decimals(expected.at(end), 2)]);
		chart.ariaLabel = t("curveSummary", t(feature), ...ends);
		chart.replaceChildren(
			...info.classes.flatMap(({ price_range: range }) => band(range)),
			label(x(values[0]), HEIGHT - 8, "start", ends[0]),
			label(x(values.at(-1)), HEIGHT - 8, "end", ends[2]),
			makeSvg("polyline", { points: points.join(" "), class: "line" }),
			makeSvg("path", { d: `M${x(value)} 0V${HEIGHT - BOTTOM}`, class: "given" }),
			makeSvg("circle", { cx: x(value), cy: y(expected[given()]), r: 6 }),
			cursor,
		);
		moveTo(at);
	}

	function band(range) {
		const size = { width: chart.clientWidth - LEFT - RIGHT, height: (HEIGHT - BOTTOM) / 4 };
		const rectangle = makeSvg("rect", { x: LEFT, y: y(range + 0.5), ...size, class: `band range-${range}` });
		return [rectangle, label(LEFT - 10, y(range) + 4, "end", rangeName(range))];
	}

	function moveTo(index) {
		at = Math.max(0, Math.min(curve.values.length - 1, index));
		const { feature, values, expected_range: expected, probabilities } = curve;
		const most = Math.max(...probabilities[at]);
		const likeliest = [rangeName(probabilities[at].indexOf(most)), percent(most)];
		setText("reading", [specification(feature, values[at]), decimals(expected[at], 2), ...likeliest].join(" · "));
		reader.ariaValueNow = at;
		reader.ariaValueText = byId("reading").textContent;
		cursor.setAttribute("cx", x(values[at]));
		cursor.setAttribute("cy", y(expected[at]));
	}

	function nearest(event) {
		const pointer = event.clientX - chart.getBoundingClientRect().left;
		const distances = curve.values.map((value) => Math.abs(x(value) - pointer));
		return distances.indexOf(Math.min(...distances));
	}

	function choose() {
		if (at !== given()) onChoose({ [curve.feature]: curve.values[at] });
	}

	reader.onpointermove = (event) => moveTo(nearest(event));
	reader.onpointerleave = () => moveTo(given());
	reader.onclick = (event) => {
		moveTo(nearest(event));
		choose();
	};
	reader.onkeydown = (event) => {
		if (event.key === "Enter") choose();
		else if (event.key in STEPS) moveTo(at + STEPS[event.key]);
		else return;
		event.preventDefault();
	};
	onresize = draw;
	return { show };
}

const label = (x, y, anchor, text) => makeSvg("text", { x, y, "text-anchor": anchor }, text);
