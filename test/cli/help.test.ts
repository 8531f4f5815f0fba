/** The help: made beforehand for files and pipes, by yargs for terminals, which may be narrow. */
import { expect, test } from 'vitest';
import { ECC, ecc } from '../support/cli.ts';
import { requireTool } from '../support/require.ts';
import { testDirectory } from '../support/temporary.ts';
import { runOnTerminal, screenOf } from '../support/terminal.ts';

const WIDE = 200;
const NARROW = 70;

test('a pipe gets what a wide terminal gets', async (context) => {
  const script = requireTool(context, 'script');
  const { output } = await runOnTerminal(script, [process.execPath, ECC, '--help'], {
    cwd: testDirectory(),
    columns: WIDE,
  });
  const { status, stdout } = await ecc(['--help']);
  expect(status).toBe(0);
  expect(stdout.split('\n').length).toBeGreaterThan(40);
  expect(output.replaceAll('\r', '').trim()).toBe(stdout.trim());
  expect((await ecc(['-h'])).stdout).toBe(stdout);
});

test('lines fit into a narrow terminal', async (context) => {
  const script = requireTool(context, 'script');
  const { output } = await runOnTerminal(script, [process.execPath, ECC, '--help'], {
    cwd: testDirectory(),
    columns: NARROW,
  });
  const widths = screenOf(output, WIDE).map((line) => line.length);
  expect(Math.max(...widths)).toBeLessThanOrEqual(NARROW);
});
