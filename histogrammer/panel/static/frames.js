// Contents of spectra that are shown, as frames of the Bank's pipes.

const RATE_HZ = 2;
/** What the dashboard takes for the name of one pipe. */
const LONGEST = 240;

/** @param {string} name @returns {boolean} It can be asked for. */
export const isShowable = (name) => name.length <= LONGEST && !/[*?[]/.test(name);

/** @param {any} tools Interface of the page. */
export function makeFrames({ signal, useEffect, useMemo, want, listen, frameKey }) {
  /**
   * @param {string} bank
   * @param {string[]} names Of spectra, while they are shown.
   * @returns {(name: string) => any} Signal of the newest frame of a spectrum; null: there is none.
   */
  return function useFrames(bank, names) {
    const kept = useMemo(() => new Map(), [bank]);
    const of = (/** @type {string} */ name) => {
      if (!kept.has(name)) kept.set(name, signal(null));
      return kept.get(name);
    };
    useEffect(() => {
      for (const name of kept.keys()) if (!names.includes(name)) kept.delete(name);
      const wishes = names.map((name) => ({ bank, object: "bank", name: `spectrum.${name}`, rate: RATE_HZ }));
      const ends = wishes.map((wish, index) => listen(frameKey(wish), (/** @type {any} */ came) => { of(names[index]).value = came; }));
      const stop = want({ frames: wishes });
      return () => {
        for (const end of ends) end();
        stop();
      };
    }, [bank, JSON.stringify(names)]);
    return of;
  };
}
