/** Runs `work` for 0 to `count` - 1, so many at a time. */
export async function inParallel(
  parallelism: number,
  count: number,
  work: (i: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: parallelism }, worker));
}
