/** Where the bundle starts: what needs no more than a text, or a look at the times of files, is answered here, before anything else is loaded. */
import { fstatSync, readFileSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';
import { VERSION } from '../core/version.ts';
import { loadPiece } from './bytecode.ts';
import { recentBuild } from './recent-build.ts';

const argv = process.argv.slice(2);

// what cannot be written will be tried again, and reported, on the usual way
if ((argv.length !== 1 || !printed(answer(argv[0]!))) && !recentBuild(argv)) {
  const { start } = loadPiece(path.join(__dirname, 'cli/start.cjs')) as typeof import('./start.ts');
  void start(argv);
}

function answer(word: string): string | undefined {
  if (word === '--version' || word === '-V') return `ecc ${VERSION}\n`;
  if ((word !== '--help' && word !== '-h') || mayBeNarrow()) return undefined;
  try {
    return readFileSync(path.join(__dirname, 'cli/help.txt'), 'utf8');
  } catch {
    return undefined;
  }
}

/** True for a terminal. Asking `node:tty` would load streams and sockets. */
function mayBeNarrow(): boolean {
  const out = fstatSync(1);
  return out.isCharacterDevice() && out.rdev !== statSync('/dev/null').rdev;
}

function printed(text: string | undefined): boolean {
  if (text === undefined) return false;
  try {
    return writeSync(1, text) === Buffer.byteLength(text);
  } catch {
    return false;
  }
}
