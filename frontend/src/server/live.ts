import type { Told } from "./contract";
import type { Connection, Refusal } from "./home-assistant";

const RETRY_MS = 2000;

export type Absence = "starting" | "not_running" | "forbidden";

/**
 * The one subscription, for as long as the page is there.
 *
 * The connection could subscribe again by itself. But after a restart Home Assistant answers
 * before it has set up this integration, the command is unknown then, and the connection
 * would not try again.
 */
export class Live {
  private unsubscribe: (() => Promise<void>) | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private attempt = 0;

  constructor(
    private readonly connection: Connection,
    /** Of the names of applications. */
    private readonly language: string,
    private readonly told: (told: Told) => void,
    private readonly absent: (why: Absence) => void,
  ) {}

  start(): void {
    this.connection.addEventListener("ready", this.reconnected);
    void this.subscribe();
  }

  stop(): void {
    this.connection.removeEventListener("ready", this.reconnected);
    this.leave();
  }

  private reconnected = (): void => {
    // The old subscription is gone, and its number may be somebody else's now.
    this.unsubscribe = undefined;
    void this.subscribe();
  };

  private subscribe = async (): Promise<void> => {
    this.leave();
    const attempt = this.attempt;
    try {
      const unsubscribe = await this.connection.subscribeMessage<Told>(
        (told) => attempt === this.attempt && this.told(told),
        { type: "portshare/subscribe", language: this.language },
        { resubscribe: false },
      );
      if (attempt === this.attempt) this.unsubscribe = unsubscribe;
      else void unsubscribe();
    } catch (refusal) {
      if (attempt === this.attempt) this.refused(refusal as Refusal);
    }
  };

  private refused({ code }: Refusal): void {
    if (code === "unauthorized") return this.absent("forbidden");
    this.absent(code === "unknown_command" ? "starting" : "not_running");
    this.timer = setTimeout(this.subscribe, RETRY_MS);
  }

  private leave(): void {
    this.attempt += 1;
    clearTimeout(this.timer);
    void this.unsubscribe?.();
    this.unsubscribe = undefined;
  }
}
