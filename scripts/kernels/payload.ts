/** Makes what the virtual machine is given: `node payload.mjs DIRECTORY` writes the package of every fixture, and its targets. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { compile } from '../../src/build/compile.ts';
import { packPackage } from '../../src/package/pack.ts';
import { FIXTURES, fixturePath, includeFlags } from '../../test/support/fixtures.ts';

/** Where the guest mounts control groups. */
const CGROUP = '/cgroup';

const [directory] = process.argv.slice(2) as [string];
for (const fixture of FIXTURES) {
  // programs on types of modules need those modules; what needs a target program of its own is left to the tests
  if (fixture.moduleTypes !== undefined || fixture.attach.how === 'usdt') continue;
  const compiled = await compile(fixturePath(fixture.source), {
    ...(fixture.header === undefined ? {} : { exportHeader: fixturePath(fixture.header) }),
    cflags: includeFlags(fixture),
  });
  writeFileSync(path.join(directory, `${fixture.name}.json`), packPackage(compiled));
  const targets: Record<string, string | false> = {};
  for (const { name, section, definition } of compiled.model.programs) {
    const type = definition?.programType ?? '';
    if (fixture.attach.programs !== undefined && !fixture.attach.programs.includes(name)) targets[name] = false;
    else if (type.startsWith('cgroup') || type === 'sock_ops') targets[name] = CGROUP;
    else if (/^sk_(msg|skb)/.test(section))
      targets[name] = compiled.model.maps.find(({ typeName }) => typeName === 'sockhash')?.name ?? false;
    // user-space probes name files that the guest does not have
    else if (/^(u(ret)?probe|usdt)/.test(section) || type === 'sk_reuseport') targets[name] = false;
  }
  if (Object.keys(targets).length > 0)
    writeFileSync(path.join(directory, `${fixture.name}.targets`), JSON.stringify(targets));
}
