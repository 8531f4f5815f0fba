/** Files that were staged elsewhere against files that were made in the directory itself: owner, group, mode, access list. */
import { chmodSync, chownSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { runOk } from '../../test/support/command.ts';
import { requireRoot, requireTool, type Skippable } from '../../test/support/require.ts';
import { testDirectory } from '../../test/support/temporary.ts';
import { writeFiles } from './write.ts';

const GROUP = 4711;

/** Entries of an access list: tag, permissions, id. @see include/uapi/linux/posix_acl.h */
const [USER_OBJ, USER, GROUP_OBJ, MASK, OTHER] = [1, 2, 4, 0x10, 0x20];
type Entry = readonly [tag: number | undefined, permissions: number, id?: number];

async function setDefaultAcl(context: Skippable, directory: string, entries: readonly Entry[]): Promise<void> {
  const list = JSON.stringify(entries.map(([tag, permissions, id = 0xffff_ffff]) => [tag, permissions, id]));
  const script = `import os, struct
acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in ${list})
try:
    os.setxattr(${JSON.stringify(directory)}, "system.posix_acl_default", acl)
except OSError as error:
    print(error.strerror)`;
  const { stdout } = await runOk(requireTool(context, 'python3'), ['-c', script]);
  if (stdout !== '') context.skip(`no access lists in ${path.dirname(directory)}: ${stdout.trim()}`);
}

/** In hexadecimal, empty for a file without one. */
async function accessLists(files: readonly string[]): Promise<readonly string[]> {
  const script = `import os
for file in ${JSON.stringify(files)}:
    print(os.getxattr(file, "system.posix_acl_access").hex() if "system.posix_acl_access" in os.listxattr(file) else "")`;
  return (await runOk('python3', ['-c', script])).stdout.trimEnd().split('\n');
}

/** Builds beside a file that was simply made there, twice, and expects no difference. */
function expectAsMadeThere(directory: string, umask: number): Promise<void> {
  const staging = path.join(path.dirname(directory), 'staging');
  const [text, program] = [path.join(directory, 'text'), path.join(directory, 'program')];
  return withUmask(umask, async () => {
    writeFileSync(path.join(directory, 'plain'), '');
    writeFileSync(path.join(directory, 'plain program'), '', { mode: 0o777 });
    for (const content of ['old', 'new']) {
      writeFiles(
        [
          { artefact: { path: text }, content },
          { artefact: { path: program }, content, executable: true },
        ],
        { staging: [staging] },
      );
    }
    expect(readdirSync(staging)).toEqual([]);
    expect(readdirSync(directory).sort()).toEqual(['plain', 'plain program', 'program', 'text']);
    for (const [file, other] of [
      [text, 'plain'],
      [program, 'plain program'],
    ] as const) {
      const [{ uid, gid, mode }, plain] = [statSync(file), statSync(path.join(directory, other))];
      expect({ uid, gid, mode }).toEqual({ uid: plain.uid, gid: plain.gid, mode: plain.mode });
    }
  });
}

async function withUmask(umask: number, body: () => Promise<void>): Promise<void> {
  const before = process.umask(umask);
  try {
    await body();
  } finally {
    process.umask(before);
  }
}

function target(): string {
  const directory = path.join(testDirectory(), 'target');
  mkdirSync(directory);
  return directory;
}

describe('a staged file is as one made in its directory', () => {
  test.for(['022', '002', '077'])('plain directory, umask %s', async (umask) => {
    await expectAsMadeThere(target(), Number.parseInt(umask, 8));
  });

  test.for(['022', '002'])('set-group-ID directory, umask %s', async (umask, context) => {
    requireRoot(context);
    const directory = target();
    chownSync(directory, -1, GROUP);
    chmodSync(directory, 0o2775);
    await expectAsMadeThere(directory, Number.parseInt(umask, 8));
    expect(statSync(path.join(directory, 'text')).gid).toBe(GROUP);
  });

  const others = (permissions: number): readonly Entry[] => [
    [USER_OBJ, 7],
    [USER, 5, 65_534],
    [GROUP_OBJ, 5],
    [MASK, permissions],
    [OTHER, 0],
  ];
  test.for([
    // the mode tells, and with the last does not
    ['write for a group', 0o022, others(7)],
    ['nothing for others', 0o022, others(5)],
    ['as the umask, but for one user', 0o027, others(5)],
  ] as const)('default access list: %s', async ([, umask, entries], context) => {
    const directory = target();
    await setDefaultAcl(context, directory, entries);
    await expectAsMadeThere(directory, umask);
    const names = ['text', 'plain', 'program', 'plain program'];
    const [text, plain, program, plainProgram] = await accessLists(names.map((name) => path.join(directory, name)));
    expect(text).not.toBe('');
    expect(text).toBe(plain);
    expect(program).toBe(plainProgram);
  });
});
