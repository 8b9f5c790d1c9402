/** Contenders that take turns: a ratio compares two turns of the same round, so what else the machine does hits both. */

/** Rounds in which everyone is measured once, each round beginning with the next one; one turn of each before that counts for nothing. */
export async function takeTurns<Contender, Measurement>(
  contenders: readonly Contender[], rounds: number, measure: (contender: Contender) => Measurement | Promise<Measurement>,
): Promise<ReadonlyMap<Contender, readonly Measurement[]>> {
  const measured = new Map<Contender, Measurement[]>(contenders.map((contender) => [contender, []]));
  for (const contender of contenders) await measure(contender);
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < contenders.length; turn += 1) {
      const contender = contenders[(round + turn) % contenders.length]!;
      measured.get(contender)!.push(await measure(contender));
    }
  }
  return measured;
}
