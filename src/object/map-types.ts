/**
 * The kernel's map types by number, under their names in `enum bpf_map_type` without the prefix, in lower case.
 * @see include/uapi/linux/bpf.h
 */
export const MAP_TYPE_NAMES = [
  'unspec',
  'hash',
  'array',
  'prog_array',
  'perf_event_array',
  'percpu_hash',
  'percpu_array',
  'stack_trace',
  'cgroup_array',
  'lru_hash',
  'lru_percpu_hash',
  'lpm_trie',
  'array_of_maps',
  'hash_of_maps',
  'devmap',
  'sockmap',
  'cpumap',
  'xskmap',
  'sockhash',
  'cgroup_storage',
  'reuseport_sockarray',
  'percpu_cgroup_storage',
  'queue',
  'stack',
  'sk_storage',
  'devmap_hash',
  'struct_ops',
  'ringbuf',
  'inode_storage',
  'task_storage',
  'bloom_filter',
  'user_ringbuf',
  'cgrp_storage',
  'arena',
  'insn_array',
] as const;
export type MapTypeName = (typeof MAP_TYPE_NAMES)[number];

/** Numbers of the map types that this package treats specially. */
export const MapType = {
  array: 2,
  progArray: 3,
  perfEventArray: 4,
  arrayOfMaps: 12,
  hashOfMaps: 13,
  structOps: 26,
  ringbuf: 27,
  userRingbuf: 31,
  arena: 33,
} as const;

/** Map flags that libbpf sets by itself. */
export const MapFlag = { readOnlyForProgram: 1 << 7, mmapable: 1 << 10, link: 1 << 13 } as const;

/** The type's name; `undefined` for a number that this version does not know. */
export function findMapTypeName(type: number): MapTypeName | undefined {
  return MAP_TYPE_NAMES[type];
}

/** True for a map whose values are maps. */
export function isMapOfMaps(type: number): boolean {
  return type === MapType.arrayOfMaps || type === MapType.hashOfMaps;
}
