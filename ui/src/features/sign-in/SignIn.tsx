import { Alert, Button, PasswordInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { getRouteApi, useRouter } from "@tanstack/react-router";
import { type SubmitEvent, useRef, useState } from "react";
import { ApiError, messageOf } from "../../api/errors";
import { session, useSession } from "../../api/session";
import { Logo } from "../../components/Logo";
import classes from "./SignIn.module.css";

const route = getRouteApi("/sign-in");

export function SignIn() {
  const { next } = route.useSearch();
  const router = useRouter();
  const state = useSession();
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const password = useRef<HTMLInputElement>(null);

  const submit = async (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setError(undefined);
    try {
      await session.signIn(text(form, "username"), text(form, "password"));
      await router.navigate({ href: next ?? "/", replace: true });
    } catch (failure) {
      setError(sentenceOf(failure));
      password.current?.select();
    } finally {
      setBusy(false);
    }
  };

  return (
    <main className={classes.page}>
      <div className={`panel ${classes.card}`}>
        <Logo />
        <Title order={1} mt="lg">
          Sign in
        </Title>
        {state.status === "out" && state.expired && (
          <Text size="sm" c="dimmed" mt={6}>
            Your session has ended.
          </Text>
        )}
        <form onSubmit={(event) => void submit(event)}>
          <Stack gap="md" mt="lg">
            <TextInput label="Username" name="username" autoComplete="username" autoCapitalize="none" required autoFocus />
            <PasswordInput
              ref={password}
              label="Password"
              name="password"
              autoComplete="current-password"
              visibilityToggleButtonProps={{ "aria-label": "Show the password" }}
              required
            />
            {error && (
              <Alert color="red" variant="light" p="sm">
                <span className={classes.error}>{error}</span>
              </Alert>
            )}
            <Button type="submit" loading={busy} fullWidth>
              Sign in
            </Button>
          </Stack>
        </form>
      </div>
    </main>
  );
}

function text(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
}

function sentenceOf(failure: unknown): string {
  if (failure instanceof ApiError && failure.status === 429) return "Too many failed attempts. Wait a minute.";
  return messageOf(failure);
}
