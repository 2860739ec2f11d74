// The table view: a CSV to the service; its answer is counted, shown by pages and saved.

import { brokenText } from "./answer.js";
import { ask } from "./api.js";
import { cellsOf, readRecords } from "./csv.js";
import { byId, make, makeBar, makeTable, setText } from "./dom.js";
import { anyOf, chip, percent, plain } from "./format.js";
import { t } from "./language.js";
import { EXAMPLES, FEATURES } from "./specifications.js";

const MOST_ROWS = 100_000;
const PAGE = 50;
const SHOWN_ERRORS = 3; // of a row; the download has all
const SLICE = 1_000;
const ANSWERS = 11; // columns that the service adds at the end

let sending = new AbortController();
let result;
let page = 0;
let onlyErrors = false;

export function startTable() {
	const input = byId("file");
	const drop = byId("drop");
	byId("choose").onclick = () => input.click();
	byId("try-table").onclick = () => send(exampleTable());
	byId("cancel").onclick = () => sending.abort();
	input.onchange = () => {
		send(input.files[0]);
		input.value = "";
	};
	setText("columns", FEATURES.join(", "));
	drop.ondragover = drop.ondragleave = drop.ondrop = (event) => {
		drop.classList.toggle("over", event.type === "dragover");
		if (event.type === "drop") send(event.dataTransfer.files[0]);
	};
	ondragover = ondrop = (event) => event.preventDefault(); // a file beside the box would replace the page
}

const exampleTable = () =>
	new File([[FEATURES, ...Object.values(EXAMPLES).map(Object.values)].join("\n")], "example.csv");

async function send(file) {
	if (!file) return;
	sending.abort();
	const { signal } = (sending = new AbortController());
	result = undefined;
	renderTable();
	say([]);
	showProgress(t("sending"));
	byId("sending").hidden = false;
	try {
		const found = await score(file, signal);
		signal.throwIfAborted();
		result = found;
		page = 0;
		onlyErrors = false;
		renderTable();
	} catch (error) {
		if (signal === sending.signal) say(signal.aborted ? [t("cancelled")] : (error.messages ?? [t("brokenOff")]));
	}
	if (signal === sending.signal) byId("sending").hidden = true;
}

async function score(file, signal) {
	const found = { name: file.name, bytes: [], rows: [], errors: [], counts: [0, 0, 0, 0], line: 0 };
	let head;
	let sent = -1; // the header is no row
	await readRecords(file.stream(), (records) => {
		head ??= records[0];
		sent += records.length;
	});
	const mistake = headMistake(head ?? "") ?? (sent > MOST_ROWS && t("tooLong", plain(sent), plain(MOST_ROWS)));
	if (mistake) throw { messages: [mistake] };
	const response = await ask("predict/batch?keep=all&on_error=skip", (answer) => answer, {
		signal,
		limit: 0,
		method: "POST",
		headers: { "Content-Type": "text/csv", Accept: "text/csv" },
		body: file,
	});
	const takeAll = async (records) => {
		for (const [index, record] of records.entries()) {
			take(found, record);
			if (index % SLICE === 0) await new Promise((resolve) => setTimeout(resolve)); // let the page move
		}
		showProgress(t("received", plain(found.rows.length), plain(sent)), found.rows.length / sent);
	};
	await readRecords(response.body, takeAll, (bytes) => found.bytes.push(bytes));
	return found;
}

/** What a table of another program often has; the service would say it of each column, and in English. */
function headMistake(head) {
	if (/[\ufffd\0;\t]/.test(head)) return t("notCsv");
	const missing = FEATURES.filter((feature) => !cellsOf(head).includes(feature));
	if (missing.length) return t("missing", missing.join(", "));
}

function take(found, record) {
	found.line += record.split("\n").length;
	const row = { record, line: found.line };
	const cells = cellsOf(record);
	if (!found.header) found.header = cells;
	else {
		found.rows.push(row);
		if (cells.at(-1)) found.errors.push(row);
		else found.counts[cells.at(-ANSWERS)] += 1;
	}
}

function showProgress(text, share) {
	if (share >= 0) byId("progress").value = share;
	else byId("progress").removeAttribute("value");
	setText("progress-text", text);
}

const say = (messages) => byId("table-message").replaceChildren(...messages.map((text) => make("p", text)));

export function renderTable() {
	byId("result").replaceChildren(...(result ? [...summary(), choices(), rowsOfPage(), pager()] : []));
}

function summary() {
	const { name, rows, errors, counts } = result;
	const bars = [...counts, errors.length].map((count, range) => {
		const bar = makeBar(t(`range${range}`), `range-${range}`);
		bar.show(count / rows.length || 0, plain(count));
		return bar.element;
	});
	return [make("h3", t("done", name, plain(rows.length))), make("ul.bars", ...bars)];
}

function choices() {
	const filter = make("input", { type: "checkbox", id: "only-errors" });
	filter.checked = onlyErrors;
	filter.onchange = () => {
		onlyErrors = filter.checked;
		turnTo(0, filter.id);
	};
	const button = make("button.main", { click: download }, t("download"));
	return make("div.row", button, make("label.switch", filter, t("onlyErrors")));
}

function download() {
	const href = URL.createObjectURL(new Blob(result.bytes, { type: "text/csv" }));
	make("a", { href, download: `${result.name.replace(/\.csv$/i, "")}-prices.csv` }).click();
	setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

const shown = () => (onlyErrors ? result.errors : result.rows);

function rowsOfPage() {
	const heads = ["line", "answer", "probability", "set", "notes", "error"].map((key) => t(key));
	const rows = shown().slice(page * PAGE, (page + 1) * PAGE);
	return makeTable(t("answer"), [...heads, ...result.header.slice(0, -ANSWERS)], rows.map(rowCells));
}

function rowCells({ record, line }) {
	const cells = cellsOf(record);
	const own = cells.slice(0, -ANSWERS);
	const [range, , , , , , confidence, set, , warnings, error] = cells.slice(-ANSWERS);
	if (error) return [plain(line), "", "", "", "", make("td.mistake", error.split("; ", SHOWN_ERRORS).join("; ")), ...own];
	const notes = make("td.wide", warnings.split(" ").map(warningText).join(", "));
	return [plain(line), chip(range), percent(Number(confidence)), anyOf(set.split(" ")), notes, "", ...own];
}

/** The service's word for a warning: a feature, "unlike", or as "fc>pc". */
function warningText(word) {
	const [feature, other] = word.split(">");
	return other ? brokenText(feature, other) : t(feature);
}

function pager() {
	const last = Math.max(0, Math.ceil(shown().length / PAGE) - 1);
	const targets = { first: 0, previous: page - 1, next: page + 1, last };
	const buttons = Object.entries(targets).map(([id, target]) => {
		const button = make("button", { id, click: () => turnTo(target, id) }, t(id));
		button.disabled = target < 0 || target > last || target === page;
		return button;
	});
	return make("div.row", ...buttons, t("page", plain(page + 1), plain(last + 1)));
}

function turnTo(target, focused) {
	page = target;
	renderTable();
	byId(focused).focus();
}
