/** What changes between two texts, line by line, as `diff -u` shows it but with no line numbers: for people to look at. */

/** Lines shown above and below each change. */
const AROUND = 2;

/** Lines that begin with a space, `-` or `+`; `…` stands for lines left out. Empty when nothing changes. */
export function lineDiff(before: string, after: string): readonly string[] {
  const marked = markedLines(before.split('\n'), after.split('\n'));
  const changed = marked.flatMap((line, at) => (line.startsWith(' ') ? [] : [at]));
  const shown = new Set(changed.flatMap((at) => Array.from({ length: 2 * AROUND + 1 }, (_, step) => at - AROUND + step)));
  return marked.flatMap((line, at) => {
    if (shown.has(at)) return [line];
    return shown.has(at - 1) && changed.some((later) => later > at) ? ['…'] : [];
  });
}

/** By the longest common subsequence of lines; manifests have a hundred. */
function markedLines(before: readonly string[], after: readonly string[]): readonly string[] {
  const common = lengths(before, after);
  const lines: string[] = [];
  let [a, b] = [0, 0];
  while (a < before.length || b < after.length) {
    if (a < before.length && before[a] === after[b]) {
      lines.push(` ${before[a]}`);
      [a, b] = [a + 1, b + 1];
    } else if (a < before.length && (b === after.length || common[a + 1]![b]! >= common[a]![b + 1]!)) lines.push(`-${before[a++]}`);
    else lines.push(`+${after[b++]}`);
  }
  return lines;
}

/** For each pair of places, how many lines the rests have in common. */
function lengths(before: readonly string[], after: readonly string[]): readonly (readonly number[])[] {
  const table = Array.from({ length: before.length + 1 }, () => Array<number>(after.length + 1).fill(0));
  for (let a = before.length - 1; a >= 0; a -= 1) {
    for (let b = after.length - 1; b >= 0; b -= 1) table[a]![b] = before[a] === after[b] ? table[a + 1]![b + 1]! + 1 : Math.max(table[a + 1]![b]!, table[a]![b + 1]!);
  }
  return table;
}
