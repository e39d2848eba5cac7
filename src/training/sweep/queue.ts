/** Runs `work` for every item, on each of the places one after the other. Rejects with the first failure, when all have ended. */
export async function spread<Item, Place>(
  items: readonly Item[],
  places: readonly Place[],
  work: (item: Item, place: Place) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  let failed = false;
  const serve = async (place: Place): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined && !failed; item = waiting.shift()) {
      try {
        await work(item, place);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const outcomes = await Promise.allSettled(places.map(serve));
  const first = outcomes.find((outcome) => outcome.status === "rejected");
  if (first !== undefined) throw first.reason;
}
