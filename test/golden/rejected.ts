/**
 * The objects that the reference tool refuses, each with our error for it and what its message has to name. The names of exit
 * codes there (`-errno`) say little; what is wrong is in the log of its libbpf, from which these were written.
 */

export interface Rejection {
  readonly code: string;
  /** What the message has to name: the map, section or symbol. */
  readonly names: readonly string[];
}

/** By `openObject` and `makeSkeleton`. */
export const rejectedObjects: Readonly<Record<string, Rejection>> = {
  arena_nomap_bad: { code: 'BTF_MAP_NO_ARENA', names: ['.addr_space.1'] },
  arena_two_bad: { code: 'BTF_MAP_TWO_ARENAS', names: ['arena1', 'arena2'] },
  bigendian_bad: { code: 'UNSUP_BYTE_ORDER', names: ['big-endian'] },
  btf_corrupt_bad: { code: 'BTF_BAD_MAGIC', names: ['.BTF'] },
  call_section_bad: { code: 'ELF_RELOC_TARGET', names: ['program p', 'callee', 'kprobe/y'] },
  datasec_missing_bad: { code: 'BTF_DATASEC_NO_SECTION', names: ['license'] },
  datasec_overlap_bad: { code: 'BTF_VAR_OVERLAP', names: ['.data', 'd2', '4', '100'] },
  empty_file_bad: { code: 'ELF_BAD_MAGIC', names: ['empty'] },
  extern_nosec_bad: { code: 'BTF_EXTERN_NO_SECTION', names: ['somewhere_else'] },
  fdata_sections_bad: { code: 'BTF_DATASEC_NO_SECTION', names: ['.bss'] },
  kconfig_type_bad: { code: 'UNSUP_KCONFIG_TYPE', names: ['CONFIG_STRUCT'] },
  map_field_bad: { code: 'UNSUP_MAP_FIELD', names: ['odd', 'colour'] },
  map_fwd_value_bad: { code: 'BTF_MAP_NO_SIZE', names: ['map m', 'value', 'fwd'] },
  map_hidden_bad: { code: 'UNSUP_MAP_LINKAGE', names: ['hid'] },
  map_keysize_bad: { code: 'BTF_MAP_SIZE_CONFLICT', names: ['clash', '8', '4'] },
  map_legacy_bad: { code: 'UNSUP_LEGACY_MAPS', names: ['maps'] },
  map_nested_inner_bad: { code: 'UNSUP_MAP_NESTING', names: ['out.inner'] },
  map_notype_bad: { code: 'BTF_MAP_NO_TYPE', names: ['untyped'] },
  map_static_bad: { code: 'UNSUP_MAP_LINKAGE', names: ['priv'] },
  map_values_bad: { code: 'UNSUP_MAP_VALUES', names: ['notouter'] },
  maps_hash_of_maps_key_bad: { code: 'BTF_MAP_BAD_SLOT', names: ['outer', 'keys of 4 bytes'] },
  nobtf_extern_bad: { code: 'BTF_EXTERN_NO_BTF', names: ['LINUX_KERNEL_VERSION'] },
  nobtf_maps: { code: 'BTF_MISSING', names: ['BTF'] },
  nosymtab_bad: { code: 'ELF_NO_SYMTAB', names: ['symbol table'] },
  notelf_bad: { code: 'ELF_BAD_MAGIC', names: ['ELF'] },
  prog_static_bad: { code: 'UNSUP_STATIC_PROGRAM', names: ['program p', 'kprobe/x'] },
  struct_ops_badprog: { code: 'BTF_STRUCT_OPS_BAD_MEMBER', names: ['bad', 'test_1', 't1', 'kprobe/x'] },
  truncated_bad: { code: 'ELF_TRUNCATED', names: ['section headers'] },
  unknown_section_bad: { code: 'ELF_RELOC_TARGET', names: ['program p', 'orphan', 'mydata'] },
  var_symbol_local_bad: { code: 'BTF_VAR_NO_SYMBOL', names: ['unused_d', '.data'] },
  var_symbol_missing_bad: { code: 'BTF_VAR_NO_SYMBOL', names: ['unused_d', '.data'] },
  version_size_bad: { code: 'ELF_BAD_VERSION', names: ['version', '8 bytes'] },
  x86_bad: { code: 'ELF_BAD_MACHINE', names: ['machine 62'] },
};

/** By `openBtf`. */
export const rejectedBtf: Readonly<Record<string, Rejection>> = {
  btf_corrupt_bad: { code: 'BTF_BAD_MAGIC', names: ['.BTF'] },
  empty_file_bad: { code: 'BTF_BAD_MAGIC', names: ['empty'] },
  nobtf_data: { code: 'BTF_MISSING', names: ['.BTF'] },
  nobtf_extern_bad: { code: 'BTF_MISSING', names: ['.BTF'] },
  nobtf_maps: { code: 'BTF_MISSING', names: ['.BTF'] },
  nobtf_progs: { code: 'BTF_MISSING', names: ['.BTF'] },
  nosymtab_bad: { code: 'BTF_MISSING', names: ['.BTF'] },
  notelf_bad: { code: 'BTF_BAD_MAGIC', names: ['BTF'] },
  truncated_bad: { code: 'ELF_TRUNCATED', names: ['section headers'] },
  x86_bad: { code: 'BTF_MISSING', names: ['.BTF'] },
};
