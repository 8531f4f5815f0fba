import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { requireTool } from '../../test/support/require.ts';
import { testDirectory } from '../../test/support/temporary.ts';
import { findTool } from '../../test/support/tools.ts';
import { parseElf } from './elf.ts';
import { findProducer } from './producer.ts';

for (const clang of ['clang', 'clang-16', 'clang-19']) {
  test(`${clang}: what it says of itself is in what it compiles`, (context) => {
    requireTool(context, clang);
    const tool = findTool(clang)!;
    const directory = testDirectory();
    const [source, object] = [path.join(directory, 'a.c'), path.join(directory, 'a.o')];
    writeFileSync(source, 'char misleading[] = "clang version 0"; int f(void) { return misleading[0]; }');
    execFileSync(tool, ['-g', '-O2', '-target', 'bpf', '-c', source, '-o', object]);
    const line = execFileSync(tool, ['--version'], { encoding: 'utf8' }).split('\n')[0];
    expect(findProducer(parseElf(readFileSync(object)))).toBe(line);
    execFileSync(tool, ['-O2', '-target', 'bpf', '-c', source, '-o', object]);
    expect(findProducer(parseElf(readFileSync(object)))).toBeUndefined();
  });
}
