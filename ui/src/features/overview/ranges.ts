/** How far the charts look back, and into how many stretches they cut that. */
export const RANGES = {
  "1h": { label: "1 hour", hours: 1, buckets: 60 },
  "24h": { label: "24 hours", hours: 24, buckets: 48 },
  "7d": { label: "7 days", hours: 7 * 24, buckets: 56 },
  "30d": { label: "30 days", hours: 30 * 24, buckets: 60 },
} as const;

export type RangeName = keyof typeof RANGES;
