const DAY = 86_400_000;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

/** Names a stretch of time of a chart, in the local zone. */
export function stretchOf(at: string, width: number): string {
  const begin = new Date(at);
  const times = `${clock.format(begin)}–${clock.format(new Date(begin.getTime() + width))}`;
  return width * 60 > 2 * DAY ? `${day.format(begin)}, ${times}` : times;
}

/** Names a place on the axis: days where the whole is longer than two, else hours. */
export function tickOf(at: string, width: number): string {
  if (at === "") return "";
  return width * 60 > 2 * DAY ? day.format(new Date(at)) : clock.format(new Date(at));
}
