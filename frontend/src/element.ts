/**
 * Define a custom element, unless an older version of this page has defined it already: after an
 * update of the integration the browser loads the new module beside the old one.
 */
export function element(name: string) {
  return (constructor: CustomElementConstructor): void => {
    if (!customElements.get(name)) customElements.define(name, constructor);
  };
}
