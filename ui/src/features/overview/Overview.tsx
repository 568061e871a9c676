import { SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { statusQuery, throughputQuery } from "../../api/monitoring";
import { Loaded } from "../../components/Loaded";
import { Page } from "../../components/Page";
import { oneOf } from "../../lib/listSearch";
import { Charts } from "./Charts";
import { Figures } from "./Figures";
import { Lately } from "./Lately";
import classes from "./Overview.module.css";
import { RANGES, type RangeName } from "./ranges";

const route = getRouteApi("/app/");
const NAMES = Object.keys(RANGES) as RangeName[];

/** What runs, what waits and why, what has failed and why, and how it went lately. */
export function Overview() {
  const { range = "24h" } = route.useSearch();
  const navigate = route.useNavigate();
  const { hours, buckets, label } = RANGES[range];
  const throughput = useQuery(throughputQuery(hours, buckets));
  const status = useQuery(statusQuery());
  return (
    <Page
      title="Overview"
      actions={
        <SegmentedControl
          aria-label="Time"
          size="xs"
          data={NAMES.map((value) => ({ value, label: RANGES[value].label }))}
          value={range}
          onChange={(value) => void navigate({ search: { range: oneOf(value, NAMES) } })}
        />
      }
    >
      <div className={classes.stack}>
        <Figures status={status.data} throughput={throughput.data} range={label} />
        <Loaded query={throughput}>{(data) => <Charts throughput={data} />}</Loaded>
        <div className={classes.two}>
          <Lately title="Running now" status="running" none="Nothing runs." />
          <Lately title="Waiting" status="pending" none="Nothing waits." />
        </div>
        <Lately title="Failed lately" status="failed" sort="completed_at:desc" none="Nothing has failed." />
      </div>
    </Page>
  );
}
