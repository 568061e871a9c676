/** A node of a graph without cycles; `needs` are the ids of those before it. */
export interface GraphNode {
  readonly id: string;
  readonly needs: readonly string[];
}

/** Nodes that are shown as one, or a single one. */
export interface Group {
  /** That of the node, or of the first. */
  readonly id: string;
  readonly label: string;
  readonly members: readonly string[];
  /** Ids of the groups before it. */
  readonly needs: readonly string[];
}

const FEWEST = 4;
const MANY = 150;
const ROUNDS = 12;

/**
 * Folds nodes that stand alike in the graph into groups: those of a fan-out, and those of chains that run side by side.
 * Only such with names that differ in their numbers are alike; if that leaves many groups, whatever they are called; and
 * if the graph is so tangled that few stand alike, all that are as far from the beginning.
 * Groups have no cycles, since no node needs one that is as far from the beginning as itself.
 */
export function fold(nodes: readonly GraphNode[]): Group[] {
  const after = followers(nodes);
  const depths = depthsOf(nodes);
  const named = numbered(nodes, ({ id }) => `${id.replace(/\d+/g, "#")} ${depths.get(id)}`);
  const unnamed = numbered(nodes, ({ id }) => `${depths.get(id)}`);
  let fewest: Group[] | undefined;
  for (const colours of [() => refine(nodes, after, named), () => refine(nodes, after, unnamed), () => named, () => unnamed]) {
    const groups = group(nodes, colours());
    if (groups.length <= MANY) return groups;
    if (fewest === undefined || groups.length < fewest.length) fewest = groups;
  }
  return fewest ?? [];
}

/** Shows each node by itself. */
export function unfolded(nodes: readonly GraphNode[]): Group[] {
  return nodes.map(({ id, needs }) => ({ id, label: id, members: [id], needs }));
}

function group(nodes: readonly GraphNode[], colours: ReadonlyMap<string, number>): Group[] {
  const classes = new Map<number, string[]>();
  for (const { id } of nodes) {
    const colour = colours.get(id) ?? -1;
    const members = classes.get(colour);
    if (members) members.push(id);
    else classes.set(colour, [id]);
  }
  const groupOf = new Map<string, string>();
  const kept = [...classes.values()].flatMap((members) =>
    members.length >= FEWEST ? [members] : members.map((id) => [id]),
  );
  for (const members of kept) for (const id of members) groupOf.set(id, members[0] ?? id);
  const needs = new Map<string, Set<string>>();
  for (const node of nodes) {
    const own = groupOf.get(node.id) ?? node.id;
    const before = needs.get(own) ?? new Set();
    for (const need of node.needs) before.add(groupOf.get(need) ?? need);
    needs.set(own, before);
  }
  return kept.map((members) => {
    const id = members[0] ?? "";
    return { id, label: labelOf(members), members, needs: [...(needs.get(id) ?? [])] };
  });
}

/** Leaves two nodes in one colour if they are as far from the end too, and so are those around them. */
function refine(
  nodes: readonly GraphNode[],
  after: ReadonlyMap<string, string[]>,
  first: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const heights = depthsOf(nodes.map(({ id }) => ({ id, needs: after.get(id) ?? [] })));
  let colours = numbered(nodes, ({ id }) => `${first.get(id)} ${heights.get(id)}`);
  for (let round = 0; round < ROUNDS; round += 1) {
    const around = (ids: readonly string[]) => ids.map((id) => colours.get(id) ?? -1).sort((a, b) => a - b);
    const next = numbered(
      nodes,
      ({ id, needs }) => `${colours.get(id)};${distinct(around(needs))};${distinct(around(after.get(id) ?? []))}`,
    );
    if (new Set(next.values()).size === new Set(colours.values()).size) return next;
    colours = next;
  }
  return colours;
}

/** Which colours there are, and not how many of each: a join is the same whatever it waits for more of. */
function distinct(colours: readonly number[]): string {
  return [...new Set(colours)].join();
}

function numbered(nodes: readonly GraphNode[], keyOf: (node: GraphNode) => string): Map<string, number> {
  const numbers = new Map<string, number>();
  return new Map(
    nodes.map((node) => {
      const key = keyOf(node);
      const number = numbers.get(key) ?? numbers.size;
      numbers.set(key, number);
      return [node.id, number];
    }),
  );
}

function followers(nodes: readonly GraphNode[]): Map<string, string[]> {
  const after = new Map<string, string[]>(nodes.map(({ id }) => [id, []]));
  for (const { id, needs } of nodes) for (const need of needs) after.get(need)?.push(id);
  return after;
}

/** The longest way to each node from one without needs. Without recursion: graphs are thousands deep. */
export function depthsOf(nodes: readonly GraphNode[]): Map<string, number> {
  const after = followers(nodes);
  const missing = new Map(nodes.map(({ id, needs }) => [id, needs.filter((need) => after.has(need)).length]));
  const depths = new Map<string, number>();
  const ready = nodes.filter(({ id }) => missing.get(id) === 0).map(({ id }) => id);
  for (const id of ready) depths.set(id, 0);
  for (const next of ready) {
    for (const id of after.get(next) ?? []) {
      depths.set(id, Math.max(depths.get(id) ?? 0, (depths.get(next) ?? 0) + 1));
      const left = (missing.get(id) ?? 0) - 1;
      missing.set(id, left);
      if (left === 0) ready.push(id);
    }
  }
  return depths;
}

/** What the names begin with, and `…` for what differs. */
function labelOf(members: readonly string[]): string {
  const [first = "", ...others] = members;
  if (others.length === 0) return first;
  let length = first.length;
  for (const other of others) while (!other.startsWith(first.slice(0, length))) length -= 1;
  const common = first.slice(0, length).replace(/\d+$/, "");
  return common ? `${common}…` : `${first}, …`;
}
