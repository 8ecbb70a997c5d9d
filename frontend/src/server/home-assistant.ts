/** The part of Home Assistant's frontend that a panel is given and that this one uses. */

export interface HomeAssistant {
  readonly connection: Connection;
  readonly connected: boolean;
  readonly language: string;
  readonly locale: Locale;
  readonly config: { readonly time_zone: string };
  readonly dockedSidebar?: "docked" | "always_hidden" | "auto";
  callWS<T>(message: Message): Promise<T>;
  callService(
    domain: string,
    service: string,
    data: Record<string, unknown>,
    target?: undefined,
    notifyOnError?: boolean,
    returnResponse?: boolean,
  ): Promise<unknown>;
  loadBackendTranslation(category: string, integration: string): Promise<Localize>;
}

export type Localize = (key: string, placeholders?: Record<string, string>) => string;

export interface Message {
  readonly type: string;
  readonly [key: string]: unknown;
}

export interface Locale {
  readonly language: string;
  readonly time_format?: "language" | "system" | "12" | "24";
  readonly time_zone?: "local" | "server";
}

export interface Connection {
  addEventListener(event: "ready", listener: () => void): void;
  removeEventListener(event: "ready", listener: () => void): void;
  subscribeMessage<T>(
    callback: (told: T) => void,
    message: Message,
    options?: { resubscribe?: boolean },
  ): Promise<() => Promise<void>>;
}

/** What a refused command is rejected with. */
export interface Refusal {
  readonly code?: string | number;
  readonly message?: string;
  readonly translation_domain?: string;
  readonly translation_key?: string;
  readonly translation_placeholders?: Record<string, string>;
}
