/** Where the bundle starts. `--version` is answered before anything else is loaded. */
import { VERSION } from '../core/version.ts';

const [first, ...rest] = process.argv.slice(2);
if (rest.length === 0 && (first === '--version' || first === '-V')) {
  process.stdout.write(`ecc ${VERSION}\n`);
} else {
  void import('./main.ts').then(({ main }) => main(process.argv.slice(2)));
}
