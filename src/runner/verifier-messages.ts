/**
 * The verifier's messages that people meet most, in plain words, with the usual fix. The first that matches counts, so special
 * ones come before general ones.
 *
 * @see kernel/bpf/verifier.c; Documentation/bpf/verifier.rst
 */

export interface Explanation {
  /** Stable name, for programs. */
  readonly id: string;
  /** What is wrong, in a sentence. */
  readonly reason: string;
  /** What usually helps. */
  readonly fix: string;
}

type Text = string | ((match: RegExpExecArray) => string);
type Row = readonly [id: string, pattern: RegExp, reason: Text, fix: Text];

const ROWS: readonly Row[] = [
  [
    'null-check',
    /R\d+ (?:invalid mem access|type=|pointer arithmetic on) ?'?(\w*?)_?or_null/,
    (m) => `a pointer that may be NULL (${m[1] || 'the result of a lookup or an allocation'}) is used without a check`,
    'test it first: `if (!p) return 0;`, for every use, also after another lookup',
  ],
  [
    'core-relocation',
    /invalid func unknown#195896080|<invalid CO-RE relocation>|unknown func unknown#1958960(?:80|79)/,
    'the program uses a field, type or enum value that this kernel does not have',
    'guard it with bpf_core_field_exists() (or bpf_core_type_exists()), or use the name that this kernel has',
  ],
  [
    'unknown-pointer',
    /R\d+ invalid mem access '(?:scalar|inv|unknown)'/,
    'memory is read through a number that the verifier does not know to be a pointer',
    'kernel memory: BPF_CORE_READ() or bpf_probe_read_kernel(); user memory: bpf_probe_read_user(); in fentry, fexit, tp_btf and lsm use the typed arguments as they are',
  ],
  [
    'user-memory',
    /R\d+ (?:invalid mem access|is ptr_\w+ access user memory).*user/,
    'memory of a user process is read directly',
    'copy it with bpf_probe_read_user() or bpf_probe_read_user_str()',
  ],
  [
    'uninitialized',
    /R(\d+) !read_ok/,
    (m) =>
      m[1] === '0'
        ? 'the program ends without a return value'
        : `register R${m[1]} is used before anything was put into it`,
    (m) =>
      m[1] === '0'
        ? 'return a value on every path (`return 0;`)'
        : 'give the variable a value on every path; a helper call also clears R1 to R5',
  ],
  [
    'stack-uninitialized',
    /invalid (?:indirect )?read from stack|invalid indirect access to stack.*(?:off|R\d)/,
    'bytes on the stack are read that were never written (often the padding of a struct that is a map key or an event)',
    'clear it before filling it in: `struct key k = {};`, or __builtin_memset(&k, 0, sizeof(k))',
  ],
  [
    'stack-too-large',
    /combined stack size of (\d+) calls is (\d+)|stack(?: depth)? (?:of )?(?:\d+ )?exceeds|invalid write to stack R\d+ off=-(?:5[1-9]\d|[6-9]\d\d|\d{4,})|stack frame size .* exceed/i,
    'the program uses more than the 512 bytes of stack that it may have',
    'move large variables into a per-CPU array map with one entry, or into ring buffer memory',
  ],
  [
    'stack-bounds',
    /invalid (?:variable-offset )?(?:write|read|access) (?:to|from|of) (?:stack|variable)|invalid stack (?:type|access)|invalid variable-offset (?:indirect )?access to stack/,
    'an array on the stack is accessed outside of its bounds, or with an index that the verifier cannot bound',
    'check the index against the length right before the access (`if (i >= N) return 0;`), with an unsigned index',
  ],
  [
    'packet-bounds',
    /invalid access to packet/,
    'packet data is read without checking that the packet is long enough',
    'compare with data_end first: `if ((void *)(hdr + 1) > data_end) return …;`',
  ],
  [
    'map-value-bounds',
    /invalid access to map value, value_size=(\d+) off=(-?\d+) size=(\d+)/,
    (m) => `${m[3]} bytes at offset ${m[2]} of a map value of ${m[1]} bytes may be accessed, which is outside`,
    'check the index against the array length right before the access, with an unsigned index; masking helps: `i & (N - 1)`',
  ],
  [
    'memory-bounds',
    /invalid access to memory, mem_size=(\d+) off=(-?\d+) size=(\d+)/,
    (m) => `${m[3]} bytes at offset ${m[2]} of ${m[1]} bytes of memory may be accessed, which is outside`,
    'reserve as much as is written, and check an index before it is used',
  ],
  [
    'unbounded',
    /unbounded memory access|(?:min|max) value is outside of the allowed memory range|unbounded min value|math between \S+ pointer and register with unbounded|min value is negative|value (?:-?\d+ )?makes \S+ pointer be out of bounds|invalid zero-sized read|pointer offset .* is not allowed/,
    'an offset or a length has no bounds that the verifier knows',
    'limit it right before it is used: make it unsigned, `if (len > sizeof(buf)) return 0;`, or `len &= sizeof(buf) - 1;`',
  ],
  [
    'too-complex',
    /BPF program is too large|The sequence of \d+ jumps is too complex|processed \d+ insns.*limit|too many states/,
    'the program has more paths than the verifier is willing to follow (a million instructions)',
    'shorten loops, move their body into a function called with bpf_loop() (Linux 5.17), or into a global (non-static) function, or use tail calls',
  ],
  [
    'endless-loop',
    /infinite loop detected|back-edge from insn|loop detected/,
    'a loop has no end that the verifier can see',
    'give it a constant bound (`for (int i = 0; i < 16; i++)`); before Linux 5.3 also `#pragma unroll`; or use bpf_loop()',
  ],
  [
    'reference-leak',
    /Unreleased reference|reference (?:id=\d+ )?(?:has not been|was not) (?:acquired|released)|would lead to reference leak/,
    'something that was reserved or acquired is not given back on every path',
    'end every path with bpf_ringbuf_submit() or bpf_ringbuf_discard() (bpf_sk_release(), bpf_task_release(), …)',
  ],
  [
    'released-twice',
    /(?:R\d+ )?(?:release|must be referenced when passed to release)/,
    'something is given back that is not held (any more)',
    'release it once, with the pointer that was acquired, without an offset',
  ],
  [
    'license',
    /cannot call GPL-restricted function|non-GPL compatible program|GPL.*only/i,
    'the program calls a helper that is for GPL programs only',
    'declare a compatible license: `char LICENSE[] SEC("license") = "GPL";`',
  ],
  [
    'helper-not-allowed',
    /(?:unknown func|program of this type cannot use helper|helper access to the packet is not allowed|invalid func)(?: (\w+)#(\d+))?/,
    (m) => `${helperName(m[1], m[2])} is not there for programs of this type, or not in this kernel`,
    'use a program type that has it, or test for it with bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_…); `bpftool feature` lists what the kernel has',
  ],
  [
    'callbacks',
    /number of funcs in func_info doesn't match number of subprogs/,
    'a function is passed to a helper as callback, which this kernel does not know',
    'callbacks (bpf_for_each_map_elem(), bpf_loop(), bpf_timer_…) need Linux 5.13 or newer',
  ],
  [
    'global-function',
    /Arg#\d+ type \S+ in (\w+)\(\) is not supported/,
    (m) => `the arguments of the global function ${m[1]}() are of types that this kernel does not verify by themselves`,
    'make the function static; pointers to memory need Linux 5.12',
  ],
  [
    'sleepable-type',
    /programs can be sleepable/,
    'programs of this type must not sleep in this kernel',
    'take the section without `.s`; sleepable uprobes need Linux 6.0',
  ],
  [
    'kfunc-not-allowed',
    /calling kernel function (\S+) is not allowed|kernel btf_id \d+ is not a function|kfunc .* is not allowed/,
    (m) => `the kernel function ${m[1] ?? ''} cannot be called from programs of this type`.replace('  ', ' '),
    'use another program type, or declare it __weak and test it with bpf_ksym_exists()',
  ],
  [
    'argument-type',
    /R(\d+) type=(\S+) expected=(.+)/,
    (m) => `argument ${m[1]} of the call has type ${m[2]}, expected ${m[3]}`,
    'pass what the helper wants: maps by address (`&map`), buffers on the stack or in a map value, ctx unchanged',
  ],
  [
    'context-access',
    /invalid bpf_context access|dereference of modified ctx ptr|invalid ctx access|variable ctx access/,
    'the context is accessed in a way that this kernel does not allow: beyond its end, a member that programs of this type may not read, or with a computed offset',
    'use the context type of this program type (tp: struct trace_event_raw_…; kprobe: BPF_KPROBE; fentry: BPF_PROG), and do not add to the pointer',
  ],
  [
    'struct-access',
    /access beyond (?:struct|the end of member|the end of) ?(\S*)|cannot access ptr member|func '\S+' (?:doesn't have \d+-th argument|arg\d+ )/,
    'a kernel struct is accessed beyond its end or through an argument that the function does not have',
    'compile with CO-RE (preserve_access_index, our vmlinux.h), and compare the arguments with the function of this kernel',
  ],
  [
    'return-value',
    /At (?:program|subprogram) exit the register R\d+ has|R0 has .* should have been in/,
    'the program returns a value that programs of this type must not return',
    'return one of the allowed values (tracing: 0; cgroup: 0 or 1; lsm: 0 or a negative errno)',
  ],
  [
    'write-forbidden',
    /write into map forbidden|cannot write into|only read is supported|write to change key R\d+ not allowed/,
    'memory is written that programs may only read (a `const volatile` variable, a read-only map, a kernel struct)',
    'take away const, or write to a copy',
  ],
  [
    'pointer-arithmetic',
    /pointer arithmetic (?:on|with)|bitwise operator .* on pointer|partial copy of pointer|R\d+ pointer (?:comparison|operation) prohibited|variable \S+ access prohibited|pointer \S+ prohibited/,
    'a pointer is computed with in a way that the verifier cannot follow',
    'index arrays instead; only add bounded numbers, and only to pointers into maps, packets or memory that was checked against NULL',
  ],
  [
    'misaligned',
    /misaligned (?:\S+ )?access/,
    'memory is accessed at an address that is not aligned to the size of the access',
    'align the member, or copy it with __builtin_memcpy()',
  ],
  [
    'unreachable',
    /unreachable insn|jump out of range|last insn is not an exit or jmp|fallthrough/,
    'the code has a part that cannot be reached, or does not end in a return',
    'often undefined behaviour that clang compiled to nothing: division by a constant zero, an index out of bounds, a missing return',
  ],
  [
    'locks',
    /(?:bpf_spin_lock|spin_lock|lock)[^\n]*(?:is missing|not allowed|already|held|must)|function calls are not allowed while holding a lock/,
    'a lock is not used as it has to be',
    'one lock at a time, released on every path, and no calls while it is held',
  ],
  [
    'sleepable',
    /(?:sleepable|might sleep|non-sleepable|rcu_read_lock)/,
    'something that may sleep is called where the program must not sleep',
    'use a section that may sleep (SEC("fentry.s/…"), SEC("lsm.s/…"), SEC("uprobe.s/…")), or a helper that does not',
  ],
  [
    'attach-function',
    /(?:attach_btf_id \d+ is not|is not (?:sleepable|modifiable|a function)|doesn't have (?:a )?(?:trampoline|fentry)|Attaching? .* is not allowed|hook .* not (?:supported|allowed))/i,
    'this function of the kernel cannot be traced in this way',
    'see /sys/kernel/tracing/available_filter_functions, or trace another one',
  ],
  [
    'too-many-arguments',
    /(?:stack arguments|too many args|arg#\d+ |R\d+ doesn't point to)/,
    'the arguments of a function do not fit what it declares',
    'at most five arguments; give pointers to static data or the stack, and their size',
  ],
];

/** Older kernels know a helper that they do not have by its number only. */
function helperName(name: string | undefined, number: string | undefined): string {
  if (name === undefined) return 'the helper';
  return name === 'unknown' ? `helper number ${number}` : `the helper ${name}`;
}

/** What a message means; `undefined` for one that is not listed. */
export function explainVerifierMessage(message: string): Explanation | undefined {
  for (const [id, pattern, reason, fix] of ROWS) {
    const match = pattern.exec(message);
    if (match === null) continue;
    const text = (value: Text) => (typeof value === 'string' ? value : value(match));
    return { id, reason: text(reason), fix: text(fix) };
  }
  return undefined;
}
