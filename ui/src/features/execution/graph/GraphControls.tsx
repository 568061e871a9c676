import { DashIcon, PlusIcon, ScreenFullIcon } from "@primer/octicons-react";
import { ActionIcon, Switch } from "@mantine/core";
import { Panel, useReactFlow } from "@xyflow/react";
import classes from "./GraphView.module.css";

interface GraphControlsProps {
  folding: boolean | undefined;
  onFold: (fold: boolean) => void;
}

export function GraphControls({ folding, onFold }: GraphControlsProps) {
  const { zoomIn, zoomOut, fitView } = useReactFlow();
  return (
    <>
      {folding !== undefined && (
        <Panel position="top-right">
          <Switch
            size="xs"
            label="Fold steps that are alike"
            checked={folding}
            withThumbIndicator={false}
            onChange={({ currentTarget: { checked } }) => onFold(checked)}
            className={`panel ${classes.fold}`}
          />
        </Panel>
      )}
      <Panel position="bottom-left">
        <div className={`panel ${classes.controls}`}>
          <ActionIcon variant="subtle" color="gray" aria-label="Zoom in" onClick={() => void zoomIn()}>
            <PlusIcon />
          </ActionIcon>
          <ActionIcon variant="subtle" color="gray" aria-label="Zoom out" onClick={() => void zoomOut()}>
            <DashIcon />
          </ActionIcon>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label="Show the whole graph"
            onClick={() => void fitView({ maxZoom: 1, padding: 0.08 })}
          >
            <ScreenFullIcon />
          </ActionIcon>
        </div>
      </Panel>
    </>
  );
}
