import { Tabs } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { oneOf } from "../../lib/listSearch";
import { type View, VIEWS } from "./routes";

const route = getRouteApi("/app/executions/$id");

const LABELS: Record<View, string> = { graph: "Graph", timeline: "Timeline", log: "Log", values: "Values" };

/** The ways to look at an execution. */
export function ViewTabs({ view }: { view: View }) {
  const navigate = route.useNavigate();
  return (
    <Tabs
      value={view}
      onChange={(value) => void navigate({ search: (old) => ({ ...old, view: oneOf(value, VIEWS) }), replace: true })}
      mb={14}
    >
      <Tabs.List>
        {VIEWS.map((each) => (
          <Tabs.Tab key={each} value={each}>
            {LABELS[each]}
          </Tabs.Tab>
        ))}
      </Tabs.List>
    </Tabs>
  );
}
