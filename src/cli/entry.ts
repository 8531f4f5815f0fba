/** Where the bundle starts. What most calls ask for, the version or a build of what did not change, is answered before the rest is loaded. */
import { writeSync } from 'node:fs';
import { VERSION } from '../core/version.ts';
import { quickBuild } from './quick-build.ts';

const argv = process.argv.slice(2);

if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
  writeSync(1, `ecc ${VERSION}\n`);
} else {
  void start();
}

async function start(): Promise<void> {
  // whatever is wrong will be found again, and reported, on the usual way
  const isDone = await quickBuild(argv).catch(() => false);
  if (isDone) return;
  const { main } = await import('./main.ts');
  await main(argv);
}
