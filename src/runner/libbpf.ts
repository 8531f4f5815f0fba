/**
 * The functions of libbpf and libc that the runner calls, as C prototypes for koffi and as TypeScript signatures. One entry
 * here is all that a new function needs. Nothing is wrapped: pointers are bigints (`null` for NULL), errors are libbpf 1.x's
 * own, a negative errno or NULL with errno set.
 *
 * @see bpf/libbpf.h and bpf/bpf.h of libbpf 1.1, the oldest version that is supported
 */

/** An address. Only functions of the library that gave it can do something with it. */
export type Pointer = bigint;
/** What goes in for a pointer: an address, memory of ours, or NULL. */
export type Memory = Pointer | Uint8Array | null;

/** A C function: called here and now, or (`async`) on a thread of koffi's while the event loop goes on. */
export interface NativeFunction<Args extends readonly unknown[], Result> {
  (...args: Args): Result;
  async(...args: [...Args, (error: unknown, result: Result) => void]): void;
}

type Fn<Args extends readonly unknown[], Result> = NativeFunction<Args, Result>;

export interface Libbpf {
  libbpf_version_string: Fn<[], string>;
  libbpf_set_print: Fn<[print: Pointer | null], Pointer | null>;
  libbpf_num_possible_cpus: Fn<[], number>;

  bpf_object__open_mem: Fn<[bytes: Memory, size: number, opts: Memory], Pointer | null>;
  bpf_object__load: Fn<[object: Pointer], number>;
  bpf_object__close: Fn<[object: Pointer | null], void>;
  bpf_object__next_program: Fn<[object: Pointer, previous: Pointer | null], Pointer | null>;
  bpf_object__next_map: Fn<[object: Pointer, previous: Pointer | null], Pointer | null>;

  bpf_program__name: Fn<[program: Pointer], string>;
  bpf_program__section_name: Fn<[program: Pointer], string>;
  bpf_program__type: Fn<[program: Pointer], number>;
  bpf_program__set_type: Fn<[program: Pointer, type: number], number>;
  bpf_program__expected_attach_type: Fn<[program: Pointer], number>;
  bpf_program__set_expected_attach_type: Fn<[program: Pointer, type: number], number>;
  bpf_program__set_attach_target: Fn<[program: Pointer, programFd: number, func: string | null], number>;
  bpf_program__flags: Fn<[program: Pointer], number>;
  bpf_program__set_flags: Fn<[program: Pointer, flags: number], number>;
  bpf_program__insn_cnt: Fn<[program: Pointer], number>;
  bpf_program__fd: Fn<[program: Pointer], number>;
  bpf_program__autoload: Fn<[program: Pointer], boolean>;
  bpf_program__set_autoload: Fn<[program: Pointer, autoload: boolean], number>;
  bpf_program__set_log_level: Fn<[program: Pointer, level: number], number>;
  bpf_program__set_log_buf: Fn<[program: Pointer, buffer: Memory, size: number], number>;

  bpf_program__attach: Fn<[program: Pointer], Pointer | null>;
  bpf_program__attach_perf_event: Fn<[program: Pointer, fd: number], Pointer | null>;
  bpf_program__attach_kprobe_opts: Fn<[program: Pointer, func: string, opts: Memory], Pointer | null>;
  bpf_program__attach_kprobe_multi_opts: Fn<[program: Pointer, pattern: string | null, opts: Memory], Pointer | null>;
  bpf_program__attach_ksyscall: Fn<[program: Pointer, syscall: string, opts: Memory], Pointer | null>;
  bpf_program__attach_uprobe_opts: Fn<
    [program: Pointer, pid: number, path: string, offset: number, opts: Memory],
    Pointer | null
  >;
  bpf_program__attach_usdt: Fn<
    [program: Pointer, pid: number, path: string, provider: string, name: string, opts: Memory],
    Pointer | null
  >;
  bpf_program__attach_tracepoint: Fn<[program: Pointer, category: string, name: string], Pointer | null>;
  bpf_program__attach_raw_tracepoint: Fn<[program: Pointer, name: string], Pointer | null>;
  bpf_program__attach_trace: Fn<[program: Pointer], Pointer | null>;
  bpf_program__attach_lsm: Fn<[program: Pointer], Pointer | null>;
  bpf_program__attach_cgroup: Fn<[program: Pointer, cgroupFd: number], Pointer | null>;
  bpf_program__attach_netns: Fn<[program: Pointer, netnsFd: number], Pointer | null>;
  bpf_program__attach_xdp: Fn<[program: Pointer, ifindex: number], Pointer | null>;
  bpf_program__attach_iter: Fn<[program: Pointer, opts: Memory], Pointer | null>;
  bpf_map__attach_struct_ops: Fn<[map: Pointer], Pointer | null>;

  bpf_link__fd: Fn<[link: Pointer], number>;
  bpf_link__destroy: Fn<[link: Pointer | null], number>;

  bpf_map__name: Fn<[map: Pointer], string>;
  bpf_map__fd: Fn<[map: Pointer], number>;
  bpf_map__type: Fn<[map: Pointer], number>;
  bpf_map__key_size: Fn<[map: Pointer], number>;
  bpf_map__value_size: Fn<[map: Pointer], number>;
  bpf_map__max_entries: Fn<[map: Pointer], number>;
  bpf_map__set_max_entries: Fn<[map: Pointer, entries: number], number>;
  bpf_map__map_flags: Fn<[map: Pointer], number>;
  bpf_map__btf_key_type_id: Fn<[map: Pointer], number>;
  bpf_map__btf_value_type_id: Fn<[map: Pointer], number>;
  bpf_map__is_internal: Fn<[map: Pointer], boolean>;
  bpf_map__set_autocreate: Fn<[map: Pointer, autocreate: boolean], number>;
  bpf_map__set_pin_path: Fn<[map: Pointer, path: string | null], number>;
  bpf_map__initial_value: Fn<[map: Pointer, size: Memory], Pointer | null>;
  bpf_map__set_initial_value: Fn<[map: Pointer, data: Memory, size: number], number>;

  bpf_map_lookup_elem_flags: Fn<[fd: number, key: Memory, value: Memory, flags: bigint], number>;
  bpf_map_lookup_and_delete_elem: Fn<[fd: number, key: Memory, value: Memory], number>;
  bpf_map_update_elem: Fn<[fd: number, key: Memory, value: Memory, flags: bigint], number>;
  bpf_map_delete_elem: Fn<[fd: number, key: Memory], number>;
  bpf_map_get_next_key: Fn<[fd: number, key: Memory, next: Memory], number>;
  bpf_map_lookup_batch: Fn<
    [fd: number, from: Memory, to: Memory, keys: Memory, values: Memory, count: Memory, opts: Memory],
    number
  >;
  bpf_map_update_batch: Fn<[fd: number, keys: Memory, values: Memory, count: Memory, opts: Memory], number>;
  bpf_map_delete_batch: Fn<[fd: number, keys: Memory, count: Memory, opts: Memory], number>;

  bpf_link_create: Fn<[programFd: number, targetFd: number, attachType: number, opts: Memory], number>;
  bpf_prog_attach: Fn<[programFd: number, targetFd: number, attachType: number, flags: number], number>;
  bpf_prog_detach2: Fn<[programFd: number, targetFd: number, attachType: number], number>;
  bpf_iter_create: Fn<[linkFd: number], number>;
  bpf_prog_test_run_opts: Fn<[programFd: number, opts: Memory], number>;
  bpf_obj_get_info_by_fd: Fn<[fd: number, info: Memory, size: Memory], number>;
  perf_buffer__new: Fn<
    [fd: number, pages: number, onSample: null, onLost: null, context: null, opts: null],
    Pointer | null
  >;
  perf_buffer__free: Fn<[buffer: Pointer], void>;
  perf_buffer__epoll_fd: Fn<[buffer: Pointer], number>;
  perf_buffer__buffer_cnt: Fn<[buffer: Pointer], number>;
  perf_buffer__buffer: Fn<[buffer: Pointer, index: number, memory: Memory, size: Memory], number>;
  bpf_xdp_attach: Fn<[ifindex: number, programFd: number, flags: number, opts: Memory], number>;
  bpf_xdp_detach: Fn<[ifindex: number, flags: number, opts: Memory], number>;
  bpf_tc_hook_create: Fn<[hook: Memory], number>;
  bpf_tc_hook_destroy: Fn<[hook: Memory], number>;
  bpf_tc_attach: Fn<[hook: Memory, opts: Memory], number>;
  bpf_tc_detach: Fn<[hook: Memory, opts: Memory], number>;
}

export const LIBBPF_PROTOTYPES: Readonly<Record<keyof Libbpf, string>> = {
  libbpf_version_string: 'const char *libbpf_version_string()',
  libbpf_set_print: 'void *libbpf_set_print(void *print)',
  libbpf_num_possible_cpus: 'int libbpf_num_possible_cpus()',

  bpf_object__open_mem: 'void *bpf_object__open_mem(const void *bytes, size_t size, const void *opts)',
  bpf_object__load: 'int bpf_object__load(void *object)',
  bpf_object__close: 'void bpf_object__close(void *object)',
  bpf_object__next_program: 'void *bpf_object__next_program(void *object, void *previous)',
  bpf_object__next_map: 'void *bpf_object__next_map(void *object, void *previous)',

  bpf_program__name: 'const char *bpf_program__name(void *program)',
  bpf_program__section_name: 'const char *bpf_program__section_name(void *program)',
  bpf_program__type: 'int bpf_program__type(void *program)',
  bpf_program__set_type: 'int bpf_program__set_type(void *program, int type)',
  bpf_program__expected_attach_type: 'int bpf_program__expected_attach_type(void *program)',
  bpf_program__set_expected_attach_type: 'int bpf_program__set_expected_attach_type(void *program, int type)',
  bpf_program__set_attach_target: 'int bpf_program__set_attach_target(void *program, int fd, const char *func)',
  bpf_program__flags: 'uint32_t bpf_program__flags(void *program)',
  bpf_program__set_flags: 'int bpf_program__set_flags(void *program, uint32_t flags)',
  bpf_program__insn_cnt: 'size_t bpf_program__insn_cnt(void *program)',
  bpf_program__fd: 'int bpf_program__fd(void *program)',
  bpf_program__autoload: 'bool bpf_program__autoload(void *program)',
  bpf_program__set_autoload: 'int bpf_program__set_autoload(void *program, bool autoload)',
  bpf_program__set_log_level: 'int bpf_program__set_log_level(void *program, uint32_t level)',
  bpf_program__set_log_buf: 'int bpf_program__set_log_buf(void *program, void *buffer, size_t size)',

  bpf_program__attach: 'void *bpf_program__attach(void *program)',
  bpf_program__attach_perf_event: 'void *bpf_program__attach_perf_event(void *program, int fd)',
  bpf_program__attach_kprobe_opts:
    'void *bpf_program__attach_kprobe_opts(void *program, const char *func, const void *opts)',
  bpf_program__attach_kprobe_multi_opts:
    'void *bpf_program__attach_kprobe_multi_opts(void *program, const char *pattern, const void *opts)',
  bpf_program__attach_ksyscall:
    'void *bpf_program__attach_ksyscall(void *program, const char *syscall, const void *opts)',
  bpf_program__attach_uprobe_opts:
    'void *bpf_program__attach_uprobe_opts(void *program, int pid, const char *path, size_t offset, const void *opts)',
  bpf_program__attach_usdt:
    'void *bpf_program__attach_usdt(void *program, int pid, const char *path, const char *provider, const char *name, const void *opts)',
  bpf_program__attach_tracepoint:
    'void *bpf_program__attach_tracepoint(void *program, const char *category, const char *name)',
  bpf_program__attach_raw_tracepoint: 'void *bpf_program__attach_raw_tracepoint(void *program, const char *name)',
  bpf_program__attach_trace: 'void *bpf_program__attach_trace(void *program)',
  bpf_program__attach_lsm: 'void *bpf_program__attach_lsm(void *program)',
  bpf_program__attach_cgroup: 'void *bpf_program__attach_cgroup(void *program, int fd)',
  bpf_program__attach_netns: 'void *bpf_program__attach_netns(void *program, int fd)',
  bpf_program__attach_xdp: 'void *bpf_program__attach_xdp(void *program, int ifindex)',
  bpf_program__attach_iter: 'void *bpf_program__attach_iter(void *program, const void *opts)',
  bpf_map__attach_struct_ops: 'void *bpf_map__attach_struct_ops(void *map)',

  bpf_link__fd: 'int bpf_link__fd(void *link)',
  bpf_link__destroy: 'int bpf_link__destroy(void *link)',

  bpf_map__name: 'const char *bpf_map__name(void *map)',
  bpf_map__fd: 'int bpf_map__fd(void *map)',
  bpf_map__type: 'int bpf_map__type(void *map)',
  bpf_map__key_size: 'uint32_t bpf_map__key_size(void *map)',
  bpf_map__value_size: 'uint32_t bpf_map__value_size(void *map)',
  bpf_map__max_entries: 'uint32_t bpf_map__max_entries(void *map)',
  bpf_map__set_max_entries: 'int bpf_map__set_max_entries(void *map, uint32_t entries)',
  bpf_map__map_flags: 'uint32_t bpf_map__map_flags(void *map)',
  bpf_map__btf_key_type_id: 'uint32_t bpf_map__btf_key_type_id(void *map)',
  bpf_map__btf_value_type_id: 'uint32_t bpf_map__btf_value_type_id(void *map)',
  bpf_map__is_internal: 'bool bpf_map__is_internal(void *map)',
  bpf_map__set_autocreate: 'int bpf_map__set_autocreate(void *map, bool autocreate)',
  bpf_map__set_pin_path: 'int bpf_map__set_pin_path(void *map, const char *path)',
  bpf_map__initial_value: 'void *bpf_map__initial_value(void *map, void *size)',
  bpf_map__set_initial_value: 'int bpf_map__set_initial_value(void *map, const void *data, size_t size)',

  bpf_map_lookup_elem_flags: 'int bpf_map_lookup_elem_flags(int fd, const void *key, void *value, uint64_t flags)',
  bpf_map_lookup_and_delete_elem: 'int bpf_map_lookup_and_delete_elem(int fd, const void *key, void *value)',
  bpf_map_update_elem: 'int bpf_map_update_elem(int fd, const void *key, const void *value, uint64_t flags)',
  bpf_map_delete_elem: 'int bpf_map_delete_elem(int fd, const void *key)',
  bpf_map_get_next_key: 'int bpf_map_get_next_key(int fd, const void *key, void *next)',
  bpf_map_lookup_batch:
    'int bpf_map_lookup_batch(int fd, void *from, void *to, void *keys, void *values, void *count, const void *opts)',
  bpf_map_update_batch:
    'int bpf_map_update_batch(int fd, const void *keys, const void *values, void *count, const void *opts)',
  bpf_map_delete_batch: 'int bpf_map_delete_batch(int fd, const void *keys, void *count, const void *opts)',

  bpf_link_create: 'int bpf_link_create(int program, int target, int type, const void *opts)',
  bpf_prog_attach: 'int bpf_prog_attach(int program, int target, int type, unsigned int flags)',
  bpf_prog_detach2: 'int bpf_prog_detach2(int program, int target, int type)',
  bpf_iter_create: 'int bpf_iter_create(int link)',
  bpf_prog_test_run_opts: 'int bpf_prog_test_run_opts(int fd, void *opts)',
  bpf_obj_get_info_by_fd: 'int bpf_obj_get_info_by_fd(int fd, void *info, void *size)',
  perf_buffer__new:
    'void *perf_buffer__new(int fd, size_t pages, void *onSample, void *onLost, void *context, const void *opts)',
  perf_buffer__free: 'void perf_buffer__free(void *buffer)',
  perf_buffer__epoll_fd: 'int perf_buffer__epoll_fd(void *buffer)',
  perf_buffer__buffer_cnt: 'size_t perf_buffer__buffer_cnt(void *buffer)',
  perf_buffer__buffer: 'int perf_buffer__buffer(void *buffer, int index, void *memory, void *size)',
  bpf_xdp_attach: 'int bpf_xdp_attach(int ifindex, int program, uint32_t flags, const void *opts)',
  bpf_xdp_detach: 'int bpf_xdp_detach(int ifindex, uint32_t flags, const void *opts)',
  bpf_tc_hook_create: 'int bpf_tc_hook_create(void *hook)',
  bpf_tc_hook_destroy: 'int bpf_tc_hook_destroy(void *hook)',
  bpf_tc_attach: 'int bpf_tc_attach(const void *hook, void *opts)',
  bpf_tc_detach: 'int bpf_tc_detach(const void *hook, const void *opts)',
};

export interface Libc {
  mmap: Fn<[at: Memory, size: number, prot: number, flags: number, fd: number, offset: number], Pointer>;
  munmap: Fn<[at: Pointer, size: number], number>;
  vsnprintf: Fn<[text: Uint8Array, size: number, format: Pointer, args: Pointer], number>;
  /** `syscall(2)` with the number and arguments of `perf_event_open(2)`. */
  perf_event_open: Fn<[number: number, attr: Memory, pid: number, cpu: number, group: number, flags: number], number>;
  mount: Fn<[source: string, target: string, type: string, flags: number, data: null], number>;
  close: Fn<[fd: number], number>;
  socket: Fn<[family: number, type: number, protocol: number], number>;
  bind: Fn<[fd: number, address: Memory, size: number], number>;
  send: Fn<[fd: number, data: Memory, size: number, flags: number], number>;
  recv: Fn<[fd: number, data: Memory, size: number, flags: number], number>;
  setsockopt: Fn<[fd: number, level: number, name: number, value: Memory, size: number], number>;
  getpagesize: Fn<[], number>;
}

/** `syscall` is variadic in C; on the 64-bit Linux ABIs that Node runs on, integer arguments are passed the same way to both kinds. */
export const LIBC_PROTOTYPES: Readonly<Record<keyof Libc, string>> = {
  mmap: 'void *mmap(void *at, size_t size, int prot, int flags, int fd, int64_t offset)',
  munmap: 'int munmap(void *at, size_t size)',
  vsnprintf: 'int vsnprintf(void *text, size_t size, const void *format, void *args)',
  perf_event_open: 'long syscall(long number, void *attr, long pid, long cpu, long group, unsigned long flags)',
  mount: 'int mount(const char *source, const char *target, const char *type, unsigned long flags, void *data)',
  close: 'int close(int fd)',
  socket: 'int socket(int family, int type, int protocol)',
  bind: 'int bind(int fd, const void *address, uint32_t size)',
  send: 'long send(int fd, const void *data, size_t size, int flags)',
  recv: 'long recv(int fd, void *data, size_t size, int flags)',
  setsockopt: 'int setsockopt(int fd, int level, int name, const void *value, uint32_t size)',
  getpagesize: 'int getpagesize()',
};
