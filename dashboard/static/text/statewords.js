// Words that mean a state of a Bank: BANKA, BANKA@scan12, BANKA@1h, BANKA@wanted. No page.

/**
 * @param {string} word
 * @returns {{bank: string, when: string}} `when` is empty: now.
 */
export function parted(word) {
  const at = word.indexOf("@");
  return at < 0 ? { bank: word, when: "" } : { bank: word.slice(0, at), when: word.slice(at + 1) };
}

/**
 * @param {{bank: string, when: string}} state A moment may be written with a space.
 * @returns {string}
 */
export function joined({ bank, when }) {
  const told = when.trim();
  return told === "" || told === "now" ? bank : `${bank}@${/^\d{4}-/.test(told) ? told.replace(" ", "T") : told}`;
}
