import type { HomeAssistant, Refusal } from "./home-assistant";

/** Why a command was refused, in the user's language, and where that belongs. */
export class Failure extends Error {
  constructor(
    message: string,
    /** The field that is wrong, or "confirm", or anything else. */
    readonly code: string,
    /** An external port that is free instead. */
    readonly proposal: string | undefined,
  ) {
    super(message);
  }
}

export async function failure(hass: HomeAssistant, refusal: unknown): Promise<Failure> {
  const { code, message, translation_domain, translation_key, translation_placeholders } =
    (refusal ?? {}) as Refusal;
  let text = message ?? String(refusal);
  if (translation_domain && translation_key) {
    const key = `component.${translation_domain}.exceptions.${translation_key}.message`;
    text = (await localized(hass, translation_domain, key, translation_placeholders)) || text;
  }
  return new Failure(text, String(code ?? "base"), translation_placeholders?.["proposal"]);
}

async function localized(
  hass: HomeAssistant,
  domain: string,
  key: string,
  placeholders: Record<string, string> | undefined,
): Promise<string> {
  try {
    const localize = await hass.loadBackendTranslation("exceptions", domain);
    return localize(key, placeholders);
  } catch {
    return ""; // the connection is gone: the server's English is better than nothing
  }
}
