const UNITS = ["B", "kB", "MB", "GB", "TB"];
const STEP = 1000;

/** Writes a number of bytes for people. */
export function bytes(number: number): string {
  const power = number < STEP ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(number) / 3));
  const value = number / STEP ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[power] ?? ""}`;
}
