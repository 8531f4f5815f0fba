/** What the readers of ring and perf buffers have in common. */

/**
 * Is given one record. `view` is memory that the kernel writes to next: what is to be kept has to be copied before returning.
 * @param offset  of the record in `view`, bytes
 * @param size  of the record, bytes; for perf buffers up to 7 more than the program wrote
 */
export type RecordSink = (view: DataView, offset: number, size: number) => void;

export interface RecordReader {
  /** Becomes readable when there are records. */
  readonly fd: number;
  /** It says so once for each record, not as long as there are records. */
  readonly readableOnce: boolean;
  /** Records that the kernel dropped for want of room, as far as it says. */
  readonly lost: number;
  /** How often the buffer was found full: a sign of losses where the kernel does not count them. */
  readonly full: number;
  /** Hands over at most `limit` records that are there; does not wait. The number handed over. */
  read(sink: RecordSink, limit: number): number;
  close(): void;
}
