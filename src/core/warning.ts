/** What is worth telling the user though the build goes on. */
export interface Warning {
  /** Stable name, `DOC_…`, `LOADER_…`, `HEADER_…`: what scripts branch on. */
  readonly code: string;
  /** What is wrong, in one line. */
  readonly message: string;
  /** The file as the user named it. */
  readonly file?: string | undefined;
  /** From 1. */
  readonly line?: number | undefined;
  /** From 1. */
  readonly column?: number | undefined;
  /** What to do about it. */
  readonly hint?: string | undefined;
}
