/** `scripts/audit.mjs` against registries that know something, know nothing, or do not answer. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type CommandResult, run } from '../support/command.ts';
import { testDirectory } from '../support/temporary.ts';

const SCRIPT = path.join(import.meta.dirname, '../../scripts/audit.mjs');
const ADVISORY = {
  id: 1,
  url: 'https://advisories.example/1',
  title: 'reads what it should not',
  severity: 'high',
  vulnerable_versions: '<2.0.0',
  cwe: [],
  cvss: { score: 0, vectorString: null },
};
const PACKAGE = {
  name: 'stale',
  'dist-tags': { latest: '1.0.0' },
  versions: { '1.0.0': { name: 'stale', version: '1.0.0', dist: {} } },
};

/** A registry that answers what is asked about advisories with this. */
async function registry(status: number, advisories: unknown): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const isQuestion = request.url?.endsWith('/advisories/bulk') === true;
      response.writeHead(isQuestion ? status : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(isQuestion ? advisories : PACKAGE));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** Asks about one package, which comes with those that are installed or only with those that develop. */
function audit(url: string, dependencies: 'dependencies' | 'devDependencies' = 'dependencies'): Promise<CommandResult> {
  const directory = testDirectory();
  const own = { name: 'own', version: '1.0.0', [dependencies]: { stale: '1.0.0' } };
  const installed = { version: '1.0.0', ...(dependencies === 'devDependencies' && { dev: true }) };
  writeFileSync(path.join(directory, 'package.json'), JSON.stringify(own));
  writeFileSync(
    path.join(directory, 'package-lock.json'),
    JSON.stringify({ ...own, lockfileVersion: 3, packages: { '': own, 'node_modules/stale': installed } }),
  );
  return run(process.execPath, [SCRIPT, directory], { env: { npm_config_registry: url } });
}

test('something is known of a package that is not installed with ours: 1, and what', async () => {
  const { status, stdout } = await audit(await registry(200, { stale: [ADVISORY] }), 'devDependencies');
  expect(stdout).toBe(
    'npm audit --omit=dev: nothing is known against any package\n' +
      'npm audit: high: stale *: reads what it should not https://advisories.example/1\n',
  );
  expect(status).toBe(1);
});

test.each([
  ['a mirror that takes no questions', () => registry(405, {}), /405 Method Not Allowed/],
  ['no registry at all', async () => 'http://127.0.0.1:1/', /ECONNREFUSED/],
])('%s: 77, and the reason', async (_, url, reason) => {
  const { status, stdout } = await audit(await url());
  expect(stdout).toMatch(/^npm audit --omit=dev: skipped, the registry cannot tell: /);
  expect(stdout).toMatch(reason);
  expect(status).toBe(77);
});
