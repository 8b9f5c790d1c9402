/** The name that was probably meant. */

/** The known name that the fewest changed letters lead to; null when none is near. */
export function nearestName(name: string, known: readonly string[]): string | null {
  const distances = known.map((candidate) => ({ candidate, distance: distance(name.toLowerCase(), candidate.toLowerCase()) }));
  const [best] = distances.toSorted((a, b) => a.distance - b.distance);
  return best !== undefined && best.distance <= Math.max(2, name.length * 0.4) ? best.candidate : null;
}

/** Levenshtein's: letters to insert, delete or replace. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (const [line, letter] of [...from].entries()) {
    const next = [line + 1];
    for (let at = 1; at <= to.length; at += 1) next.push(Math.min(row[at]! + 1, next[at - 1]! + 1, row[at - 1]! + (letter === to[at - 1] ? 0 : 1)));
    row = next;
  }
  return row[to.length]!;
}
