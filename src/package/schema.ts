/**
 * The package as it is on disk: the JSON that the loader of the eunomia-bpf project reads. Keys keep the loader's spelling,
 * `mmaped` and `intepreter` included.
 */
import type { DocumentedSkeleton } from '../skeleton/documented.ts';
import type { ExportType } from '../skeleton/structs.ts';

export interface PackageMeta {
  readonly bpf_skel: DocumentedSkeleton;
  /** The version of the reference compiler whose format this is; the loader ignores it. */
  readonly eunomia_version?: string;
  /** Structs of events. In the loader's default mode only the first one counts. */
  readonly export_types?: readonly ExportType[];
  readonly perf_buffer_pages?: number;
  readonly perf_buffer_time_ms?: number;
  /** Milliseconds. */
  readonly poll_timeout_ms?: number;
  readonly enable_multiple_export_types?: boolean;
}

/** How a package was made. The loader ignores the key; nothing in it names a machine, a user or a time. */
export interface BuildInfo {
  /** Version of this compiler. */
  readonly ecc: string;
  /** First line of `clang --version` without the directory. */
  readonly clang: string;
  /** Kernel whose types the program was compiled against (`6.18.15 x86`), or `own` for the user's header. */
  readonly kernel_headers: string;
  readonly target_arch: string;
  /** The user's flags for clang, as given. */
  readonly cflags: readonly string[];
  /** SHA-256 of the source and of each of the user's headers, in the order in which they are read. */
  readonly sources: readonly { readonly name: string; readonly sha256: string }[];
}

/** `package.json`. */
export interface PackageFile {
  /** zlib stream of the object in base64. */
  readonly bpf_object: string;
  /** Bytes of the object when inflated. */
  readonly bpf_object_size: number;
  readonly meta: PackageMeta;
  readonly build_info?: BuildInfo;
}

/** A package taken apart. */
export interface Package {
  /** The ELF object. */
  readonly object: Uint8Array;
  readonly meta: PackageMeta;
  readonly buildInfo: BuildInfo | undefined;
}
