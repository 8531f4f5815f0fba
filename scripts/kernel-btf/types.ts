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
  /** The archive still has the package, but its signed index no longer lists it: only the digest below vouches for it. */
  readonly pool?: true;
  readonly package?: PackagePin;
}

/** An entry of `data/ORIGIN.json`: a kernel that ships. */
export interface KernelOrigin {
  readonly arch: string;
  /** The first two numbers of the release. */
  readonly version: string;
  /** As `uname -r` says there. */
  readonly release: string;
  /** In `data/`: brotli of BTF, little-endian. */
  readonly file: string;
  readonly size: number;
  readonly sha256: string;
  /** Of the BTF, uncompressed. */
  readonly rawSize: number;
  readonly rawSha256: string;
  /** Number of types, void included. */
  readonly types: number;
  readonly package: PackagePin & { readonly suite: string; readonly architecture: string };
  /** The modules whose types are in. */
  readonly modules: readonly string[];
}
