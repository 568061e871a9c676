/** The nonce that the Content-Security-Policy of this page lets style elements through with. */
export function nonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.nonce ?? "";
}
