import { createLink } from "@tanstack/react-router";
import type { AnchorHTMLAttributes, Ref } from "react";
import classes from "./RowLink.module.css";

interface AnchorProps extends AnchorHTMLAttributes<HTMLAnchorElement> {
  ref?: Ref<HTMLAnchorElement>;
}

function Anchor(props: AnchorProps) {
  return <a {...props} className={classes.link} />;
}

/** A link of the router whose row, in a `DataTable`, leads to the same place. */
export const RowLink = createLink(Anchor);
