/** Where a list is scrolled to, as its element says. */
export type Place = Pick<Element, "scrollTop" | "scrollHeight" | "clientHeight">;

const NEAR = 30;

/**
 * Whether to stay at the end after scrolling from `before` to `now`: not once somebody has scrolled up, and again once
 * the end is reached. A list that grew higher, or holds less, is moved up by the browser: nobody has scrolled then.
 */
export function follows(following: boolean, before: Place, now: Place): boolean {
  const moved = now.clientHeight > before.clientHeight || now.scrollHeight < before.scrollHeight;
  const up = now.scrollTop < before.scrollTop && !moved;
  const distance = now.scrollHeight - now.clientHeight - now.scrollTop;
  return following ? !(up && distance > NEAR) : !up && distance <= 1;
}
