/** What `kernels.json` and `data/ORIGIN.json` hold. */

/** A Debian package, down to its bytes. */
export interface PackagePin {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
}

/** An entry of `kernels.json`: a kernel to ship. */
export interface KernelSpec {
  /** Names the file in `data/`: architecture, `-`, version. */
  readonly id: string;
  readonly arch: string;
  /** Of Debian. */
  readonly suite: string;
  readonly debArch: string;
  /** A regular expression for package names; `--update` takes the newest that fits. */
  readonly match: string;
  /** Merge the types of the modules in `modules.ts`. */
  readonly modules: boolean;
  /** What most builds read: compressed such that it is unpacked soonest, though it takes a third more room. */
  readonly fast?: true;
  /** The archive still has the package, but its signed index no longer lists it: only the digest below vouches for it. */
  readonly pool?: true;
  readonly package?: PackagePin;
}

/** A file in `data/`, compressed with brotli (`.br`) or deflate (`.deflate`). */
export interface SectionFile {
  readonly file: string;
  readonly size: number;
  readonly sha256: string;
  /** Uncompressed. */
  readonly rawSize: number;
}

/** An entry of `data/ORIGIN.json`: a kernel that ships. */
export interface KernelOrigin {
  readonly arch: string;
  /** The first two numbers of the release. */
  readonly version: string;
  /** As `uname -r` says there. */
  readonly release: string;
  /** The type section, little-endian. */
  readonly types: SectionFile;
  /**
   * The string section, in parts that come one after the other. Kernels have most of their strings in common: the first part is
   * the first kernel's for all.
   */
  readonly strings: readonly SectionFile[];
  /** Where names occur: see `packOccurrences`. */
  readonly names: SectionFile;
  /** Number of types, void included. */
  readonly typeCount: number;
  /** Of the uncompressed type section followed by the whole string section. */
  readonly sha256: string;
  readonly package: PackagePin & { readonly suite: string; readonly architecture: string };
  /** The modules whose types are in. */
  readonly modules: readonly string[];
}
