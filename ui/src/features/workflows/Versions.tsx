import { Group, Select, Text } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { type Workflow, versionQuery, versionsQuery, workflowQuery } from "../../api/workflows";
import { Difference } from "../../components/editor/Difference";
import { Loaded, LoadedPage } from "../../components/Loaded";
import { Page } from "../../components/Page";
import { Time } from "../../components/Time";
import { useNow } from "../../lib/clock";
import { write } from "../../lib/document";
import { ago } from "../../lib/time";

const route = getRouteApi("/app/workflows/$id/versions");

/** What a workflow was, and what each change has made of it. */
export function Versions() {
  const { id } = route.useParams();
  const query = useQuery(workflowQuery(id));
  return <LoadedPage query={query}>{(workflow) => <VersionsPage workflow={workflow} />}</LoadedPage>;
}

function VersionsPage({ workflow }: { workflow: Workflow }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(versionsQuery(workflow.id));
  const now = useNow();
  const show = (change: typeof search) => void navigate({ search: { ...search, ...change } });
  const above = (
    <>
      <Link to="/workflows">Workflows</Link> /{" "}
      <Link to="/workflows/$id" params={{ id: workflow.id }}>
        {workflow.name}
      </Link>
    </>
  );
  return (
    <Page title="Versions" above={above}>
      <Loaded query={query}>
        {({ versions }) => {
          const data = versions.map(({ number, created_at: at }) => ({ value: String(number), label: `${number}, ${ago(new Date(at), now)}` }));
          const newest = versions[0]?.number ?? 1;
          const version = Math.min(search.version ?? newest, newest);
          const before = Math.min(search.before ?? Math.max(1, version - 1), newest);
          const made = versions.find(({ number }) => number === version)?.created_at;
          return (
            <>
              <Group mb="md" align="end">
                <Select label="What has changed since" data={data} value={String(before)} allowDeselect={false} onChange={(value) => show({ before: Number(value) })} />
                <Select label="in version" data={data} value={String(version)} allowDeselect={false} onChange={(value) => show({ version: Number(value), before: undefined })} />
                {made && (
                  <Text size="sm" c="dimmed" pb={8}>
                    made <Time at={made} />
                  </Text>
                )}
              </Group>
              <Changes id={workflow.id} before={before} after={version} />
            </>
          );
        }}
      </Loaded>
    </Page>
  );
}

function Changes({ id, before, after }: { id: string; before: number; after: number }) {
  const wide = useMediaQuery("(min-width: 62em)", true, { getInitialValueInEffect: false });
  const old = useQuery(versionQuery(id, before));
  const current = useQuery(versionQuery(id, after));
  return (
    <div className="panel">
      <Loaded query={old}>
        {(first) => (
          <Loaded query={current}>
            {(second) => {
              const texts = [write(first.definition, "yaml"), write(second.definition, "yaml")] as const;
              return texts[0] === texts[1] ? (
                <Text size="sm" c="dimmed" p="lg">
                  {before === after ? "A version does not differ from itself." : "Both say the same."}
                </Text>
              ) : (
                <Difference before={texts[0]} after={texts[1]} labels={[`Version ${before}`, `Version ${after}`]} wide={wide} />
              );
            }}
          </Loaded>
        )}
      </Loaded>
    </div>
  );
}
