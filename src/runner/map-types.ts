/** Kinds of maps that are treated differently at run time, by the kernel's numbers (`enum bpf_map_type`). */
export const MapType = {
  hash: 1,
  array: 2,
  progArray: 3,
  perfEventArray: 4,
  percpuHash: 5,
  percpuArray: 6,
  stackTrace: 7,
  lruPercpuHash: 10,
  sockmap: 15,
  sockhash: 18,
  percpuCgroupStorage: 21,
  queue: 22,
  stack: 23,
  structOps: 26,
  ringbuf: 27,
} as const;

/** The map has a value for each CPU. */
export function isPerCpu(type: number): boolean {
  return (
    type === MapType.percpuHash ||
    type === MapType.percpuArray ||
    type === MapType.lruPercpuHash ||
    type === MapType.percpuCgroupStorage
  );
}
