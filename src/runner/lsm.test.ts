/** When LSM programs are attached for nothing. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { fileDirectory } from '../../test/support/temporary.ts';
import { lsmRemark } from './lsm.ts';

const file = path.join(fileDirectory(), 'lsm');

test('a remark when bpf is not among the security modules', async () => {
  writeFileSync(file, 'lockdown,capability,landlock,yama');
  expect(await lsmRemark(['lsm/path_mkdir'], file)).toMatch(/Boot it with lsm=lockdown,capability,landlock,yama,bpf$/);
  expect(await lsmRemark(['?lsm.s/bprm_committed_creds'], file)).toBeDefined();
  // programs of control groups do not go through that module
  expect(await lsmRemark(['tp/x/y', 'lsm_cgroup/socket_post_create'], file)).toBeUndefined();
  writeFileSync(file, 'capability,bpf\n');
  expect(await lsmRemark(['lsm/path_mkdir'], file)).toBeUndefined();
  expect(await lsmRemark(['lsm/path_mkdir'], '/no/such/file')).toBeUndefined();
});
