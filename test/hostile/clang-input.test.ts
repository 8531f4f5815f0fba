/** What reaches clang of a user's flags and environment: macros whatever is in them, and no variable that changes what it reads. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ecc, TINY } from '../support/cli.ts';
import { testDirectory } from '../support/temporary.ts';

test.each([
  ['blanks and quotes', 'a  \'b\' "c"'],
  ['what a shell would run', '$(touch ran) `touch ran`; touch ran & | > ran'],
  ['backslashes', '\\ \\\\ \\n'],
  ['a line break', 'one\ntwo'],
  ['a dash in front', '--help -o /dev/null'],
  ['not ASCII', 'é 中 🐝'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's
  ['patterns and variables', '* ? ~ $HOME ${HOME} %s !!'],
])('a macro of %s', async (_, text) => {
  const directory = testDirectory();
  const source = TINY.replace('char LICENSE', 'const char given[] = TEXT;\nchar LICENSE');
  writeFileSync(path.join(directory, 'a.bpf.c'), source);
  // as C's literal, and then as one word of the flags
  const literal = `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
  const word = `'-DTEXT=${literal.replaceAll("'", `'"'"'`)}'`;
  const { status, stderr } = await ecc(['a.bpf.c', '-a', word], { cwd: directory });
  expect(status, stderr).toBe(0);
  const object = readFileSync(path.join(directory, 'a.bpf.o'));
  expect(object.includes(Buffer.concat([Buffer.from(text), Buffer.alloc(1)]))).toBe(true);
});

test('variables by which clang would read or do something else do not reach it', async () => {
  const directory = testDirectory();
  const own = path.join(directory, 'own');
  mkdirSync(path.join(own, 'bpf'), { recursive: true });
  writeFileSync(path.join(own, 'bpf', 'bpf_helpers.h'), '#error of the environment\n');
  writeFileSync(path.join(own, 'extra.h'), '#define bpf_printk(...) 0\n');
  writeFileSync(path.join(directory, 'a.bpf.c'), TINY);
  const build = async (env: Record<string, string>): Promise<Buffer> => {
    const { status, stderr } = await ecc(['a.bpf.c', '--no-cache'], { cwd: directory, env });
    expect(status, stderr).toBe(0);
    return readFileSync(path.join(directory, 'package.json'));
  };
  const plain = await build({});
  const odd = await build({
    CPATH: own,
    C_INCLUDE_PATH: own,
    CPLUS_INCLUDE_PATH: own,
    CCC_OVERRIDE_OPTIONS: `# +-include +${path.join(own, 'extra.h')} +-O0`,
    LC_MESSAGES: 'de_DE.UTF-8',
  });
  expect(odd.equals(plain)).toBe(true);
});
