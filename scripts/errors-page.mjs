#!/usr/bin/env node
// Holds the examples of docs/errors.md against what the tests provoked (test/support/messages.ts writes it down): each has to be a message
// that was given with that code. Numbers, and where things are on this machine, may differ. A code that no test could provoke
// on this machine is left alone.
//
//   node scripts/errors-page.mjs MESSAGES [--write]      --write: replaces examples that nothing gave by the most similar message
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const [directory, flag] = process.argv.slice(2);
if (directory === undefined) {
  console.error('usage: node scripts/errors-page.mjs MESSAGES [--write]');
  process.exit(2);
}
const page = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), 'docs', 'errors.md');
const ROW = /^\| `([A-Z][A-Z0-9_]+)` \| (`+)(.+?) ?\2 \|/gm;

/** Messages by code, each as it stands on the page. */
const messages = new Map();
for (const name of readdirSync(directory)) {
  for (const line of readFileSync(path.join(directory, name), 'utf8').split('\n')) {
    const [code, message] = line.split('\t');
    if (message === undefined || message === '') continue;
    if (!messages.has(code)) messages.set(code, new Set());
    messages.get(code).add(message);
  }
}

/** What is the same on every machine. */
function portable(message) {
  return message
    .replaceAll(/(?<![\w.])\/[\w./-]*\//g, '/…/')
    .replaceAll(/(?<=btfhub-archive\/)\S+(?=\.btf)/g, '…')
    .replaceAll(/\b(?:0x[0-9a-f]+|\d+(?:\.\d+)*)\b/g, 'N');
}

/** An example that ends with an ellipsis stands for all that begin like it. */
function isLike(message, example) {
  const begins = example.endsWith('…') ? portable(example.slice(0, -1)) : undefined;
  return begins === undefined ? portable(message) === portable(example) : portable(message).startsWith(begins);
}

const problems = [];
let text = readFileSync(page, 'utf8');
text = text.replaceAll(ROW, (row, code, ticks, example) => {
  const given = messages.get(code);
  if (given === undefined || [...given].some((message) => isLike(message, example))) return row;
  const [nearest] = [...given]
    .filter((message) => /^[^`|]*$/.test(message) && message.length < 160)
    .sort((a, b) => distance(a, example) - distance(b, example) || a.length - b.length || (a < b ? -1 : 1));
  problems.push(`${code}: ${example}\n    the tests gave: ${nearest ?? [...given][0]}`);
  return nearest === undefined ? row : row.replace(`${ticks}${example}${ticks}`, () => `\`${nearest}\``);
});

if (flag === '--write') writeFileSync(page, text);
else {
  for (const problem of problems) console.log(problem);
  console.log(
    `${messages.size} codes were provoked, ${problems.length} examples of the page are none of their messages`,
  );
  process.exitCode = problems.length === 0 ? 0 : 1;
}

/** How many words of one are not in the other. */
function distance(a, b) {
  const [left, right] = [a, b].map((words) => new Set(words.split(/[^A-Za-z]+/)));
  return [...left].filter((word) => !right.has(word)).length + [...right].filter((word) => !left.has(word)).length;
}
