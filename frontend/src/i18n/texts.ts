import { de } from "./de";
import { en, type TextKey } from "./en";

export type { TextKey };
type Values = Readonly<Record<string, string | number>>;
type CountedKey = TextKey extends infer K
  ? K extends `${infer Base}_other`
    ? Base
    : never
  : never;

export class Texts {
  private readonly texts: Readonly<Record<TextKey, string>>;
  private readonly plural: Intl.PluralRules;
  private readonly numbers: Intl.NumberFormat;
  readonly language: "de" | "en";

  constructor(language: string) {
    this.language = language.startsWith("de") ? "de" : "en";
    this.texts = this.language === "de" ? de : en;
    this.plural = new Intl.PluralRules(this.language);
    this.numbers = new Intl.NumberFormat(this.language);
  }

  get = (key: TextKey, values: Values = {}): string =>
    this.texts[key].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name]));

  /** The text for one, or for several. */
  count = (key: CountedKey, count: number): string => {
    const form = this.plural.select(count) === "one" ? "one" : "other";
    return this.get(`${key}_${form}` as TextKey, { count: this.numbers.format(count) });
  };
}
