import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";

const indigo: MantineColorsTuple = [
  "#f0f2fd", "#dfe3f9", "#bcc4f1", "#97a3e9", "#7786e2", "#6373dd", "#5969dc", "#4c5fd5", "#3f50ad", "#34438f",
];

// Mantine's own greys of the dark scheme, a little cooler and deeper.
const dark: MantineColorsTuple = [
  "#d5d8e0", "#b4b9c6", "#9aa1b1", "#7b8294", "#4a5063", "#2f3443", "#262a37", "#1b1e29", "#14161f", "#0e1017",
];

// White on it has to have a contrast of 4.5.
const red: MantineColorsTuple = [
  "#fff0f0", "#ffe0e0", "#ffc4c4", "#ffa0a0", "#f77", "#e85555", "#cf3535", "#c22d2d", "#a82424", "#8f1d1d",
];

export const theme = createTheme({
  primaryColor: "indigo",
  primaryShade: { light: 7, dark: 6 },
  colors: { indigo, red, dark },
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
  fontFamily: '"Inter Variable", system-ui, sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace',
  headings: { fontWeight: "620", sizes: { h1: { fontSize: "1.375rem" }, h2: { fontSize: "1rem" } } },
  components: {
    Tooltip: { defaultProps: { openDelay: 300, withArrow: true } },
    FileInput: { defaultProps: { clearButtonProps: { "aria-label": "Take the file away" } } },
    Notification: { defaultProps: { closeButtonProps: { "aria-label": "Close" } } },
    Modal: {
      defaultProps: { centered: true, closeButtonProps: { "aria-label": "Close" } },
      styles: { title: { fontWeight: 620 } },
    },
  },
});

/**
 * What both schemes need besides Mantine's. Every colour of text has a contrast of 4.5 or more on the surfaces that
 * it stands on (WCAG AA); Mantine's `dimmed` has not.
 */
export const resolver: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "#5c6373",
    "--mantine-color-placeholder": "#6b7282",
    "--mantine-color-error": "#c02626",
    "--mantine-color-body": "#ffffff",
    "--focus": "#4c5fd5",
    "--surface-sunken": "#f6f7f9",
    "--surface-hover": "#f1f3f7",
    "--border": "#e3e6ec",
    "--border-strong": "#c9cedb",
    "--status-pending": "#5c6373",
    "--status-running": "#1d5fc4",
    "--status-completed": "#17714a",
    "--status-failed": "#c02626",
    "--status-cancelled": "#7a4d0b",
    "--status-skipped": "#666d7c",
    "--status-pending-soft": "#eef0f4",
    "--status-running-soft": "#e6effc",
    "--status-completed-soft": "#e4f5ec",
    "--status-failed-soft": "#fdeaea",
    "--status-cancelled-soft": "#fbf1de",
    "--status-skipped-soft": "#f3f4f7",
    "--chart-completed": "#3aa676",
    "--chart-failed": "#dd5858",
    "--chart-cancelled": "#c9a45c",
    "--chart-mean": "#5969dc",
    "--chart-longest": "#d3d9f7",
    "--code-name": "#2f4bb8",
    "--code-text": "#14683f",
    "--code-word": "#93400a",
    "--code-line": "#f6f7fb",
    "--code-selection": "#dbe2fa",
    "--code-match": "#e9edfb",
    "--code-added": "#e8f6ee",
    "--code-added-text": "#bfe6cf",
    "--code-removed": "#fdeeee",
    "--code-removed-text": "#f6cccc",
  },
  dark: {
    "--mantine-color-dimmed": "#9aa1b1",
    "--mantine-color-placeholder": "#8f96a7",
    "--mantine-color-error": "#ff8b8b",
    "--mantine-color-body": "#14161f",
    "--focus": "#8f9df0",
    "--surface-sunken": "#0e1017",
    "--surface-hover": "#1f222e",
    "--border": "#282c3a",
    "--border-strong": "#3b4154",
    "--status-pending": "#a7adbc",
    "--status-running": "#7fb2ff",
    "--status-completed": "#5fd19a",
    "--status-failed": "#ff8b8b",
    "--status-cancelled": "#e3b469",
    "--status-skipped": "#939aaa",
    "--status-pending-soft": "#232734",
    "--status-running-soft": "#16263f",
    "--status-completed-soft": "#132b21",
    "--status-failed-soft": "#381a1e",
    "--status-cancelled-soft": "#33260f",
    "--status-skipped-soft": "#1d202b",
    "--chart-completed": "#3f9f75",
    "--chart-failed": "#d9605f",
    "--chart-cancelled": "#a5843f",
    "--chart-mean": "#7182e8",
    "--chart-longest": "#2d3560",
    "--code-name": "#9db0ff",
    "--code-text": "#7fd6a6",
    "--code-word": "#f0b072",
    "--code-line": "#191c27",
    "--code-selection": "#2c3557",
    "--code-match": "#262e49",
    "--code-added": "#12271d",
    "--code-added-text": "#1f4a34",
    "--code-removed": "#2d171a",
    "--code-removed-text": "#5a2429",
  },
});
