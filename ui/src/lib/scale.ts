const ROUND = [1, 2, 2.5, 5, 10];

export interface Scale {
  /** The value at the top of the axis, at least the largest. */
  top: number;
  /** Values to mark, from 0 up to the top. */
  marks: number[];
}

/** Chooses an axis from 0 with about three round marks. */
export function scaleOf(largest: number): Scale {
  const wanted = (largest > 0 ? largest : 1) / 3;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = (ROUND.find((each) => each * power >= wanted * (1 - 1e-9)) ?? 10) * power;
  const marks = [0, 1, 2, 3].map((number) => number * step);
  const top = marks.find((mark) => mark >= largest * (1 - 1e-9) && mark > 0) ?? step * 3;
  return { top, marks: marks.filter((mark) => mark <= top) };
}
