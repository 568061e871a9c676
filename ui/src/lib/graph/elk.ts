import ELK, { type ELK as Elk } from "elkjs/lib/elk-api";
import workerUrl from "elkjs/lib/elk-worker.min.js?url";
import type { GraphNode } from "./fold";
import type { Direction, Place, Size } from "./layers";

let elk: Elk | undefined;

/**
 * Places nodes so that few edges cross; works in a thread of its own, which is started at the first call. Gives it up
 * after `patience`, in milliseconds, and returns `undefined`: some graphs of a hundred steps would take it seconds.
 */
export async function placed(
  nodes: readonly GraphNode[],
  size: Size,
  direction: Direction,
  patience: number,
): Promise<Map<string, Place> | undefined> {
  const own = (elk ??= new ELK({ workerFactory: () => new Worker(workerUrl) }));
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patience);
  });
  const laying = own.layout({
    id: "",
    layoutOptions: {
      "elk.algorithm": "layered",
      "elk.direction": direction.toUpperCase(),
      "elk.spacing.nodeNode": String(size.across),
      "elk.layered.spacing.nodeNodeBetweenLayers": String(size.along),
      "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
      // What belongs together in the document stays so in the picture, as far as nothing crosses for it.
      "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES",
    },
    children: nodes.map(({ id }) => ({ id, width: size.width, height: size.height })),
    edges: nodes.flatMap(({ id, needs }) =>
      needs.map((need) => ({ id: `${need} ${id}`, sources: [need], targets: [id] })),
    ),
  });
  const laid = await Promise.race([laying, late]);
  clearTimeout(timer);
  if (laid === undefined) {
    own.terminateWorker();
    if (elk === own) elk = undefined;
    return undefined;
  }
  return new Map(laid.children?.map(({ id, x = 0, y = 0 }) => [id, { x, y }]));
}
