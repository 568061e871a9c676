import type { Throughput } from "../../api/monitoring";
import { BarChart, Legend } from "../../components/chart/BarChart";
import { duration } from "../../lib/time";
import { count } from "../../lib/words";
import { stretchOf, tickOf } from "./stretches";
import classes from "./Overview.module.css";

const COMPLETED = "var(--chart-completed)";
const FAILED = "var(--chart-failed)";
const CANCELLED = "var(--chart-cancelled)";
const MEAN = "var(--chart-mean)";
const LONGEST = "var(--chart-longest)";

/** How many executions have ended, and how long they took. */
export function Charts({ throughput }: { throughput: Throughput }) {
  const { buckets, bucket_seconds } = throughput;
  const width = bucket_seconds * 1000;
  const ends = [0, Math.floor(buckets.length / 2), buckets.length - 1].map((index) =>
    tickOf(buckets[index]?.at ?? "", width),
  ) as [string, string, string];
  const begun = buckets.filter((bucket) => bucket.mean_seconds !== null);
  const total = buckets.reduce((sum, { completed, failed, cancelled }) => sum + completed + failed + cancelled, 0);
  const longest = Math.max(0, ...begun.map((bucket) => bucket.longest_seconds ?? 0));
  return (
    <div className={classes.two}>
      <BarChart
        title="Throughput"
        summary={`${count(total, "execution")} ended`}
        ends={ends}
        format={(value) => (Number.isInteger(value) ? value.toLocaleString() : "")}
        bars={buckets.map(({ at, completed, failed, cancelled }) => ({
          label: stretchOf(at, width),
          said: saidOf(completed, failed, cancelled),
          parts: [
            { colour: COMPLETED, value: completed },
            { colour: FAILED, value: failed },
            { colour: CANCELLED, value: cancelled },
          ],
        }))}
        legend={
          <>
            <Legend colour={COMPLETED}>completed</Legend>
            <Legend colour={FAILED}>failed</Legend>
            <Legend colour={CANCELLED}>cancelled</Legend>
          </>
        }
      />
      <BarChart
        title="Duration"
        summary={begun.length === 0 ? "nothing has run" : `the longest ${duration(longest * 1000)}`}
        ends={ends}
        overlap
        format={(value) => duration(value * 1000)}
        bars={buckets.map(({ at, mean_seconds, longest_seconds }) => ({
          label: stretchOf(at, width),
          said:
            mean_seconds === null
              ? "nothing ended"
              : `mean ${duration(mean_seconds * 1000)}, longest ${duration((longest_seconds ?? 0) * 1000)}`,
          parts: [
            { colour: LONGEST, value: longest_seconds ?? 0 },
            { colour: MEAN, value: mean_seconds ?? 0 },
          ],
        }))}
        legend={
          <>
            <Legend colour={MEAN}>mean</Legend>
            <Legend colour={LONGEST}>longest</Legend>
          </>
        }
      />
    </div>
  );
}

function saidOf(completed: number, failed: number, cancelled: number): string {
  const parts = Object.entries({ completed, failed, cancelled }).filter(([, number]) => number > 0);
  return parts.length === 0 ? "nothing ended" : parts.map(([word, number]) => `${number} ${word}`).join(", ");
}
