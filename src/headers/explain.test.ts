import { expect, test } from 'vitest';
import { BtfBuilder } from '../btf/writer.ts';
import { compareVersions, describeVersions, findInKernels } from './explain.ts';

const ALL = ['5.10', '6.1', '6.12', '6.18'];
const having = (...versions: string[]) => ({ having: versions, lacking: ALL.filter((one) => !versions.includes(one)) });

test.each([
  [having('6.18'), 'in 6.18, not in 6.12 and older'],
  [having('6.12', '6.18'), 'in 6.12 and later, not in 6.1 and older'],
  [having('6.1', '6.12', '6.18'), 'in 6.1 and later, not in 5.10'],
  [having('5.10'), 'in 5.10, no longer in 6.1 and later'],
  [having('5.10', '6.1', '6.12'), 'in 6.12 and older, no longer in 6.18'],
  [having('6.1', '6.12'), 'in 6.1, 6.12, not in 5.10, 6.18'],
  [having(...ALL), 'in every kernel that ships with ecc (5.10, 6.1, 6.12, 6.18)'],
])('%j', (finding, text) => {
  expect(describeVersions(finding)).toBe(text);
});

test('versions are numbers', () => {
  expect(['6.12', '6.2', '5.10', '6.1.9', '6.1'].sort(compareVersions)).toEqual([
    '5.10',
    '6.1',
    '6.1.9',
    '6.2',
    '6.12',
  ]);
});

test('what clang misses is looked for as what it may be', () => {
  const builder = new BtfBuilder();
  const int = builder.addInt('int', { size: 4, signed: true });
  builder.addStruct('rq', 4, [{ name: 'nr', type: int }]);
  builder.addEnum('state', [{ name: 'RUNNING', value: 1 }]);
  const kernels = [
    { version: '6.18', btf: builder.build() },
    { version: '6.1', btf: new BtfBuilder().build() },
  ];
  const stderr = [
    "a.c:1:2: error: no member named 'nr' in 'struct rq'",
    "a.c:2:2: error: use of undeclared identifier 'RUNNING'",
    "a.c:3:2: error: use of undeclared identifier '__proto__'",
    "a.c:4:2: error: no member named 'nope' in 'struct rq'",
  ].join('\n');
  expect(findInKernels(stderr, kernels)).toEqual([
    { thing: { kind: 'member', type: 'rq', member: 'nr' }, having: ['6.18'], lacking: ['6.1'] },
    { thing: { kind: 'enumerator', name: 'RUNNING' }, having: ['6.18'], lacking: ['6.1'] },
  ]);
});
