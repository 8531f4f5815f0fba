/** Work on many things, a few at a time. */

/**
 * Results in the order of `items`, whatever finishes first. The first failure is thrown when the work under way is done; nothing new is
 * begun after it.
 */
export async function mapParallel<T, R>(
  items: readonly T[],
  limit: number,
  body: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const worker = async () => {
    while (next < items.length && failure === undefined) {
      const index = next++;
      try {
        results[index] = await body(items[index]!, index);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(items.length, Math.max(1, limit)) }, worker));
  if (failure !== undefined) throw failure.error;
  return results;
}
