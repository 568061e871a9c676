import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useCallback } from "react";
import { useExecutionEvents } from "../../api/executionEvents";
import { type Graph, graphQuery } from "../../api/executions";
import { LoadedPage } from "../../components/Loaded";
import { Page } from "../../components/Page";
import { Status } from "../../components/Status";
import { Actions } from "./Actions";
import classes from "./Execution.module.css";
import { Facts } from "./Facts";
import { GraphView } from "./graph/GraphView";
import { LogView } from "./log/LogView";
import { GroupPanel } from "./step/GroupPanel";
import { StepPanel } from "./step/StepPanel";
import { Timeline } from "./timeline/Timeline";
import { useGroups } from "./useGroups";
import { Values } from "./Values";
import { ViewTabs } from "./ViewTabs";

const route = getRouteApi("/app/executions/$id");

/** One execution: as a graph, over time, by its log and by its values, with the details of one step beside it. */
export function Execution() {
  const { id } = route.useParams();
  const query = useQuery(graphQuery(id));
  useExecutionEvents(query.data);
  return <LoadedPage query={query}>{(graph) => <Whole key={id} graph={graph} />}</LoadedPage>;
}

function Whole({ graph }: { graph: Graph }) {
  const { view = "graph", step, group, fold } = route.useSearch();
  const navigate = route.useNavigate();
  const { groups, folding } = useGroups(graph, fold);
  const select = useCallback(
    (chosen: { step?: string; group?: string }) =>
      void navigate({ search: (old) => ({ ...old, step: chosen.step, group: chosen.group ?? old.group }), replace: true }),
    [navigate],
  );
  const close = () => void navigate({ search: (old) => ({ ...old, step: undefined, group: undefined }), replace: true });
  const listed = groups.find(({ id, members }) => id === group && members.length > 1);
  const open = graph.steps.find(({ id }) => id === step);
  return (
    <Page
      filled
      title={graph.name ?? "Deleted"}
      beside={<Status status={graph.status} />}
      above={<Link to="/executions">Executions</Link>}
      actions={<Actions graph={graph} />}
    >
      <Facts graph={graph} onStep={(id) => select({ step: id })} />
      <ViewTabs view={view} />
      <div className={classes.body} data-panel={open || listed ? true : undefined}>
        <div className={classes.view} role="tabpanel" aria-label={view}>
          {view === "graph" && (
            <GraphView
              graph={graph}
              groups={groups}
              folding={folding}
              onFold={(fold) =>
                void navigate({ search: (old) => ({ ...old, fold, group: undefined }), replace: true })
              }
              selected={step ?? group}
              onSelect={select}
            />
          )}
          {view === "timeline" && <Timeline graph={graph} selected={step} onSelect={(id) => select({ step: id })} />}
          {view === "log" && <LogView execution={graph.id} status={graph.status} />}
          {view === "values" && <Values graph={graph} />}
        </div>
        {open ? (
          <StepPanel
            key={open.id}
            graph={graph}
            step={open}
            onClose={close}
            onBack={listed && (() => select({}))}
            onStep={(id) => select({ step: id })}
          />
        ) : (
          listed && <GroupPanel graph={graph} group={listed} onStep={(id) => select({ step: id })} onClose={close} />
        )}
      </div>
    </Page>
  );
}
