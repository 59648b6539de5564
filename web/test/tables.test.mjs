import assert from "node:assert/strict";
import { test } from "node:test";
import {
  addColumn, addRow, alignColumn, cellsOf, findTable, isDelimiter, moveColumn, moveRow, newTable, readTable, removeColumn, removeRow, writeTable,
} from "../src/table-model.js";

const texts = (line) => cellsOf(line).map((cell) => cell.text);
const straight = (lines) => writeTable(readTable(lines));

test("cells end at bars that are not escaped, in code or in a wikilink", () => {
  assert.deepEqual(texts("| a | b |"), ["a", "b"]);
  assert.deepEqual(texts("a | b"), ["a", "b"]);
  assert.deepEqual(texts("| a \\| b | `c|d` | [[e|f]] |"), ["a \\| b", "`c|d`", "[[e|f]]"]);
  assert.deepEqual(texts("> | a ||"), ["a", ""]);
  assert.deepEqual(texts("| one backtick ` | two |"), ["one backtick `", "two"]);
  assert.deepEqual(texts("| [[never closed | b |"), ["[[never closed", "b"]);
});

test("cells know where they stand", () => {
  const line = "|  ab | |";
  const [first, second] = cellsOf(line);
  assert.equal(line.slice(first.from, first.to), "ab");
  assert.deepEqual(second, { text: "", from: 8, to: 8 });
});

test("a delimiter line is one", () => {
  for (const line of ["|---|:-:|", "--- | ---", "> | - |", "|-|"]) assert.ok(isDelimiter(line), line);
  for (const line of ["| a | b |", "", "|  |", "text - text"]) assert.ok(!isDelimiter(line), line);
});

test("columns become straight and keep what they hold", () => {
  assert.deepEqual(straight(["|a|b|c|", "|:-|-:|:-:|", "|long text|1|x|", "|short"]), [
    "| a         |   b |  c  |",
    "| :-------- | --: | :-: |",
    "| long text |   1 |  x  |",
    "| short     |     |     |",
  ]);
  assert.deepEqual(straight(["> a | b", "> --|--", "> c | d"])[2], "> | c   | d   |");
  assert.deepEqual(straight(["|a|", "|-|", "|b|lost|"])[2], "| b   | lost |");
});

test("a table is found from any of its lines, and nowhere else", () => {
  const lines = ["text", "{{DataTable", "|caption=x", "| a | b |", "|---|---|", "| 1 | 2 |", "no bar", "", "| x |"];
  const find = (at) => findTable((n) => lines[n - 1], lines.length, at);
  for (const at of [4, 5, 6, 7]) assert.deepEqual(find(at), { first: 4, last: 7 }, `line ${at}`);
  for (const at of [1, 2, 3, 8, 9]) assert.equal(find(at), null, `line ${at}`);
});

test("rows and columns come, go and move", () => {
  const table = readTable(["|a|b|", "|-|-|", "|1|2|", "|3|4|"]);
  const at = { row: 1, column: 0 };
  assert.deepEqual(addRow(table, at).table.rows, [["a", "b"], ["1", "2"], ["", ""], ["3", "4"]]);
  assert.deepEqual(removeRow(table, at).table.rows, [["a", "b"], ["3", "4"]]);
  assert.equal(removeRow(table, { row: 0, column: 0 }), null);
  assert.deepEqual(moveRow(1)(table, at).table.rows, [["a", "b"], ["3", "4"], ["1", "2"]]);
  assert.equal(moveRow(-1)(table, at), null);
  assert.deepEqual(addColumn(table, at).table.rows[0], ["a", "", "b"]);
  assert.deepEqual(removeColumn(table, at).table.rows[1], ["2"]);
  assert.deepEqual(moveColumn(1)(table, at).table.rows[1], ["2", "1"]);
  assert.equal(moveColumn(-1)(table, at), null);
  assert.deepEqual(alignColumn("right")(table, at).table.aligns, ["right", ""]);
  assert.deepEqual(alignColumn("right")(alignColumn("right")(table, at).table, at).table.aligns, ["", ""]);
});

test("a new table has three columns", () => assert.equal(writeTable(newTable())[1], "| -------- | -------- | -------- |"));
