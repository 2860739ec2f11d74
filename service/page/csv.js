// Reads CSV: records as they come, and a record's cells only when needed, as tables are long.

/** Call `onRecords` with the records of a stream of bytes, and `onBytes` with what they came in. */
export async function readRecords(stream, onRecords, onBytes = () => {}) {
	const decoder = new TextDecoder();
	const reader = stream.getReader();
	let rest = "";
	for (;;) {
		const { done, value } = await reader.read();
		if (!done) onBytes(value);
		const records = split(rest + decoder.decode(value, { stream: !done }));
		rest = done ? "" : records.pop();
		await onRecords(records.map((record) => record.replace(/\r$/, "")).filter(Boolean));
		if (done) return;
	}
}

function split(text) {
	const records = [];
	let start = 0;
	let quoted = false;
	for (const { 0: found, index } of text.matchAll(/["\n]/g)) {
		if (found === '"') quoted = !quoted;
		else if (!quoted) {
			records.push(text.slice(start, index));
			start = index + 1;
		}
	}
	return [...records, text.slice(start)];
}

export function cellsOf(record) {
	const cells = record.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g);
	return Array.from(cells, ([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare);
}
