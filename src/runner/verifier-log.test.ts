import { describe, expect, test } from 'vitest';
import { parseStats, parseVerifierLog } from './verifier-log.ts';
import { explainVerifierMessage } from './verifier-messages.ts';

describe('logs of kernels from 5.4 to 6.18', () => {
  test('6.18: source lines with place, registers behind instructions', () => {
    const report = parseVerifierLog(`0: R1=ctx() R10=fp0
; u32 k=1; u64 *v = bpf_map_lookup_elem(&m,&k);  @ bad.bpf.c:4
0: (b7) r1 = 1                        ; R1=1
1: (63) *(u32 *)(r10 -4) = r1         ; R1=1 R10=fp0 fp-8=mmmm????
7: (85) call bpf_map_lookup_elem#1    ; R0=map_value_or_null(id=1,map=m,ks=4,vs=8)
; *v = 3; @ bad.bpf.c:5
8: (7b) *(u64 *)(r0 +0) = r1
R0 invalid mem access 'map_value_or_null'
verification time 44 usec
stack depth 8
processed 9 insns (limit 1000000) max_states_per_insn 0 total_states 1 peak_states 1 mark_read 1
`);
    expect(report).toMatchObject({
      insn: 8,
      insnText: '(7b) *(u64 *)(r0 +0) = r1',
      source: { file: 'bad.bpf.c', line: 5, text: '*v = 3;' },
      message: "R0 invalid mem access 'map_value_or_null'",
      stats: { processedInsns: 9, insnLimit: 1000000, stackDepths: [8], verificationTimeUs: 44, totalStates: 1 },
    });
    expect([...report.registers]).toEqual([
      ['R1', '1'],
      ['R0', 'map_value_or_null(id=1,map=m,ks=4,vs=8)'],
    ]);
  });

  test('5.10: states on lines of their own, source without place', () => {
    const report = parseVerifierLog(`Unrecognized arg#0 type PTR
; int h(void *ctx)
0: (79) r1 = *(u64 *)(r1 +8)
1: R1_w=inv(id=0) R10=fp0
; return *(long *)p;
1: (79) r0 = *(u64 *)(r1 +0)
R1 invalid mem access 'inv'
processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`);
    expect(report).toMatchObject({
      insn: 1,
      source: { file: undefined, line: undefined, text: 'return *(long *)p;' },
      message: "R1 invalid mem access 'inv'",
    });
    expect(report.registers.get('R1')).toBe('inv(id=0)');
  });

  test('a refusal without an instruction', () => {
    const report = parseVerifierLog('attach_btf_id 17 is not a function\nprocessed 0 insns (limit 1000000)\n');
    expect(report).toMatchObject({ insn: undefined, message: 'attach_btf_id 17 is not a function' });
  });

  test('an empty log', () => {
    expect(parseVerifierLog('')).toMatchObject({ insn: undefined, message: '', stats: undefined });
  });

  test('statistics of a program with functions', () => {
    expect(parseStats('verification time 497 usec\nstack depth 0+8+16\nprocessed 424 insns (limit 1000000)')).toEqual({
      processedInsns: 424,
      insnLimit: 1000000,
      stackDepths: [0, 8, 16],
      verificationTimeUs: 497,
      totalStates: undefined,
      peakStates: undefined,
    });
  });
});

/** Lines that kernels write, and what they mean. */
const MESSAGES: readonly (readonly [id: string, message: string])[] = [
  ['null-check', "R0 invalid mem access 'map_value_or_null'"],
  ['null-check', "R1 invalid mem access 'mem_or_null'"],
  ['unknown-pointer', "R1 invalid mem access 'inv'"],
  ['unknown-pointer', "R6 invalid mem access 'scalar'"],
  ['uninitialized', 'R0 !read_ok'],
  ['stack-uninitialized', 'invalid indirect read from stack R2 off -16+4 size 16'],
  ['stack-uninitialized', 'invalid read from stack off -8+0 size 8'],
  ['stack-too-large', 'combined stack size of 2 calls is 544. Too large'],
  ['stack-too-large', 'invalid write to stack R10 off=-520 size=8'],
  ['stack-bounds', 'invalid variable-offset write to stack R1 var_off=(0x0; 0xff) off=-16 size=1'],
  ['packet-bounds', 'invalid access to packet, off=0 size=14, R1(id=0,off=0,r=0)'],
  [
    'map-value-bounds',
    'invalid access to map value, value_size=8 off=8 size=8\nR0 max value is outside of the allowed memory range',
  ],
  ['unbounded', "R2 unbounded memory access, use 'var &= const' or 'if (var < const)'"],
  ['unbounded', "R2 min value is negative, either use unsigned or 'var &= const'"],
  ['unbounded', 'math between map_value pointer and register with unbounded min value is not allowed'],
  ['too-complex', 'BPF program is too large. Processed 1000001 insn'],
  ['too-complex', 'The sequence of 8193 jumps is too complex.'],
  ['endless-loop', 'infinite loop detected at insn 7'],
  ['endless-loop', 'back-edge from insn 9 to 3'],
  ['reference-leak', 'Unreleased reference id=2 alloc_insn=3'],
  ['license', 'cannot call GPL-restricted function from non-GPL compatible program'],
  ['helper-not-allowed', 'program of this type cannot use helper bpf_probe_read_kernel#113'],
  ['helper-not-allowed', 'unknown func bpf_ringbuf_output#130'],
  ['helper-not-allowed', 'invalid func unknown#198'],
  ['callbacks', "number of funcs in func_info doesn't match number of subprogs"],
  ['global-function', 'Arg#0 type PTR in account() is not supported yet.'],
  ['sleepable-type', 'Only fentry/fexit/fmod_ret and lsm programs can be sleepable'],
  ['kfunc-not-allowed', 'calling kernel function bpf_task_acquire is not allowed'],
  ['argument-type', 'R1 type=fp expected=map_ptr'],
  ['context-access', 'invalid bpf_context access off=200 size=8'],
  ['context-access', 'dereference of modified ctx ptr R1 off=8 disallowed'],
  ['struct-access', 'access beyond struct task_struct at off 20000 size 8'],
  ['struct-access', "func 'vfs_read' doesn't have 7-th argument"],
  ['return-value', 'At program exit the register R0 has unknown scalar value should have been in [0, 1]'],
  ['write-forbidden', 'write into map forbidden, value_size=4 off=0 size=4'],
  ['pointer-arithmetic', 'R1 pointer arithmetic on ctx prohibited'],
  ['pointer-arithmetic', 'R2 bitwise operator &= on pointer prohibited'],
  ['misaligned', 'misaligned stack access off (0x0; 0x0)+0+-7 size 4'],
  ['unreachable', 'unreachable insn 4'],
  ['unreachable', 'last insn is not an exit or jmp'],
  ['locks', 'function calls are not allowed while holding a lock'],
  ['sleepable', 'helper call might sleep in a non-sleepable prog'],
  ['core-relocation', 'invalid func unknown#195896080'],
];

describe('messages in plain words', () => {
  test.each(MESSAGES)('%s: %s', (id, message) => {
    const found = explainVerifierMessage(message);
    expect(found?.id).toBe(id);
    expect(found?.reason).not.toMatch(/undefined(?! behaviour)| {2}/);
    expect(found?.fix).not.toMatch(/undefined(?! behaviour)/);
  });

  test('at least the twenty most common kinds', () => {
    expect(new Set(MESSAGES.map(([id]) => id)).size).toBeGreaterThanOrEqual(20);
  });

  test('an unknown message is not explained', () => {
    expect(explainVerifierMessage('frobnication of R7 denied')).toBeUndefined();
  });
});
