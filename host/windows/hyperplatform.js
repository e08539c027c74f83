// SPDX-License-Identifier: MIT
//
// For WinDbg: prints what HyperPlatform's processors wrote into their rings, and their last VM exits,
// from a crash dump with the kernel's memory or from a live system, without symbols. The build appends
// the tables of texts.
//
//     .scriptload C:\hyperplatform\hyperplatform.js
//     dx @$scriptContents.records()          all processors, the last 32 records of each
//     dx @$scriptContents.records(0, 500)    processor 0, the last 500
//     dx @$scriptContents.exits(0, 100)      processor 0, the last 100 VM exits, the newest first
//
// The anchor is at the start of the section .dump of hyperplatform.sys; host/windows/dump.h is its
// layout, and base/record.h that of the texts.

"use strict";

const VERSION = 1;
const LEVELS = ["DBG", "INF", "WRN", "ERR"];

function print(text) {
	host.diagnostics.debugLog(text + "\n");
}

function number(address, bytes) {
	return host.memory.readMemoryValues(address, 1, bytes)[0];
}

function small(address, bytes) {
	return Number(number(address, bytes));
}

// Where the driver's image begins; null: it is not loaded.
function image() {
	for (const process of host.currentSession.Processes) {
		for (const module of process.Modules) {
			if (/hyperplatform\.sys$/i.test(module.Name))
				return module.BaseAddress;
		}
	}
	return null;
}

// By the PE headers: where the section begins.
function section(base, name) {
	const headers = base.add(small(base.add(0x3c), 4));
	const count = small(headers.add(6), 2);
	const first = headers.add(24 + small(headers.add(20), 2));

	for (let i = 0; i < count; i++) {
		const header = first.add(40 * i);
		if (host.memory.readString(header, name.length) === name)
			return base.add(small(header.add(12), 4));
	}
	return null;
}

function anchor() {
	const base = image();
	const at = base && section(base, ".dump");

	if (!at || host.memory.readString(at, 7) !== "HypDump") {
		print("hyperplatform.sys is not loaded, or its memory is not in this dump.");
		return null;
	}
	const fields = Array.from(host.memory.readMemoryValues(at.add(24), 12, 4), Number);
	const found = {
		version: small(at.add(8), 4), processors: small(at.add(12), 4),
		table: number(at.add(16), 8), row: fields[0], gate: fields[1], ring: fields[2],
		inGuest: fields[3], total: fields[4], record: fields[5], records: fields[6],
		bytes: fields[7], trail: fields[8], exit: fields[9], exits: fields[10],
		exitBytes: fields[11],
	};
	if (found.version !== VERSION) {
		print("This script is for another version of the driver.");
		return null;
	}
	if (!found.processors)
		print("HyperPlatform is loaded and not running.");
	return found;
}

// The bytes of these arguments, the lowest first, up to a NUL.
function characters(values) {
	let result = "";

	for (const value of values) {
		const digits = value.toString(16).replace(/^0x/, "").padStart(16, "0");
		for (let i = 14; i >= 0; i -= 2) {
			const code = parseInt(digits.slice(i, i + 2), 16);
			if (!code)
				return result;
			result += code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : "?";
		}
	}
	return result;
}

// As base/record.c does it: %u, %d, %x and %llx take one argument each, %s two, %S four.
function text(format, values) {
	let next = 0;

	if (!(format in FORMATS))
		return `record of unknown format ${format}: ` + values.map(v => v.toString(16)).join(" ");
	return FORMATS[format].replace(/%(llx|[udxsS])/g, (all, conversion) => {
		const value = values[next++];
		switch (conversion) {
		case "s":
		case "S":
			next += conversion === "s" ? 1 : 3;
			return characters(values.slice(next - (conversion === "s" ? 2 : 4), next));
		case "llx":
			return value.toString(16).replace(/^0x/, "").padStart(16, "0");
		case "x":
			return value.toString(16).replace(/^0x/, "");
		default:
			return value.toString(10);
		}
	});
}

function printRecord(processor, at) {
	const values = host.memory.readMemoryValues(at.add(16), 6, 8);
	const level = LEVELS[small(at.add(14), 1) & 3];
	const head = small(at.add(15), 1) ? " ".repeat(8) :
		`#${processor}  TSC ${number(at, 8).toString(16)}  ${level}  `;

	print(head + text(small(at.add(12), 2), Array.from(values)));
}

// What went wrong below the system, if something has; hpctl report says more of it, if it can run.
function printReport(index, trail) {
	const kind = small(trail, 4);

	if (kind)
		print(`#${index}  REPORT: ${KINDS[kind] || kind}; ${ENDS[small(trail.add(4), 4)]}`);
}

function printProcessor(where, index, most) {
	const row = where.table.add(where.row * index);
	const gate = number(row.add(where.gate), 8);
	const ring = number(row.add(where.ring), 8);

	if (gate.compareTo(0) === 0)
		return;
	const head = small(ring, 8);
	const state = small(gate.add(where.inGuest), 4) ? "guest" : "native";
	print(`#${index}  ${state}, ${small(ring.add(where.total), 8)} exits, ${head} records`);
	printReport(index, number(row.add(where.trail), 8));
	for (let n = Math.max(0, head - Math.min(most, where.records - 3)); n < head; n++)
		printRecord(index, ring.add(where.record + where.bytes * (n % where.records)));
}

// processor: undefined: all of them.
function records(processor, most) {
	const where = anchor();

	for (let i = 0; where && i < where.processors; i++) {
		if (processor === undefined || Number(processor) === i)
			printProcessor(where, i, most === undefined ? 32 : Number(most));
	}
}

// struct hp_exit of abi.h; the reasons are those of the manual's appendix.
function exits(processor, most) {
	const where = anchor();
	const index = Number(processor);

	if (!where || !(index < where.processors))
		return;
	const row = where.table.add(where.row * index);
	const ring = number(row.add(where.ring), 8);
	const trail = number(row.add(where.trail), 8);
	if (trail.compareTo(0) === 0)
		return;
	const total = small(ring.add(where.total), 8);
	const count = Math.min(most === undefined ? 32 : Number(most), where.exits, total);
	printReport(index, trail);
	for (let n = total - 1; n >= total - count; n--) {
		const at = trail.add(where.exit + where.exitBytes * (n % where.exits));
		const values = Array.from(host.memory.readMemoryValues(at, 3, 8), v => v.toString(16));
		print(`#${index}  exit ${n}: reason ${small(at.add(24), 4)}, RIP ${values[0]}, ` +
			`qualification ${values[1]}, detail ${values[2]}`);
	}
}

function initializeScript() {
	return [new host.apiVersionSupport(1, 3)];
}

// The texts, by their numbers: of records, and of reports, what happened and how it ended.
