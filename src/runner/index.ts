/**
 * `ebpf-ecc/runner`: loading packages into the kernel and reading their events, maps and global variables. Needs koffi, libbpf
 * (1.1 or newer) and the rights to load programs. See docs/run.md.
 */
export type { Attachment } from './attachment.ts';
export { VerifierError } from './diagnose.ts';
export { type LoadedPackage, type LoadOptions, load, type PackageSource } from './load.ts';
export type { BpfMap, MapInfo, SetMode } from './maps.ts';
export type { LoadedProgram, RunOptions, RunResult } from './program.ts';
export type { RecordSink } from './records.ts';
export type { EventStream } from './stream.ts';
export type { BpfModule, Events, Maps } from './types.ts';
export { parseVerifierLog, type SourceLine, type VerifierReport, type VerifierStats } from './verifier-log.ts';
export { explainVerifierMessage } from './verifier-messages.ts';
