import {
  type Icon,
  HomeIcon,
  KeyIcon,
  LockIcon,
  LogIcon,
  PackageIcon,
  PeopleIcon,
  PlayIcon,
  ServerIcon,
  WorkflowIcon,
} from "@primer/octicons-react";
import { Link, type LinkProps } from "@tanstack/react-router";
import { type Role, useMay } from "../../api/session";
import classes from "./Navigation.module.css";

interface Entry {
  to: NonNullable<LinkProps["to"]>;
  label: string;
  icon: Icon;
  exact?: boolean;
  role?: Role;
}

/** The pages that lie at the top. A page for some roles only says so with `role`. */
const ENTRIES: readonly Entry[] = [
  { to: "/", label: "Overview", icon: HomeIcon, exact: true },
  { to: "/executions", label: "Executions", icon: PlayIcon },
  { to: "/workflows", label: "Workflows", icon: WorkflowIcon },
  { to: "/pipelines", label: "Pipelines", icon: PackageIcon },
  { to: "/agents", label: "Agents", icon: ServerIcon },
  { to: "/settings/secrets", label: "Secrets", icon: LockIcon, role: "editor" },
  { to: "/settings/tokens", label: "Tokens", icon: KeyIcon },
  { to: "/settings/users", label: "Users", icon: PeopleIcon, role: "admin" },
  { to: "/settings/audit", label: "Audit log", icon: LogIcon, role: "admin" },
];

export function Navigation() {
  return (
    <div className={classes.list}>
      {ENTRIES.map((entry) => (
        <NavigationLink key={entry.to} {...entry} />
      ))}
    </div>
  );
}

function NavigationLink({ to, label, icon: Icon, exact = false, role = "viewer" }: Entry) {
  if (!useMay(role)) return null;
  return (
    <Link
      to={to}
      className={classes.link}
      activeOptions={{ exact, includeSearch: false }}
      activeProps={{ "data-active": true, "aria-current": "page" }}
    >
      <Icon size={16} />
      {label}
    </Link>
  );
}
