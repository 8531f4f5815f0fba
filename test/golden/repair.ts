/**
 * The reference tool's output, made into the JSON that it meant. Each repair is one of the differences in DIFFERENCES.md; nothing
 * else is touched, so what is not listed there has to be equal.
 */

/** A line break or tab inside a string: anonymous types are written over several lines. */
function escapeControls(text: string): string {
  return text.replace(/"[^"]*"/g, (string) =>
    string.replace(/[\n\t]/g, (control) => (control === '\n' ? '\\n' : '\\t')),
  );
}

/** Quotes of a type tag inside a string. */
function escapeTypeTags(text: string): string {
  return text.replace(/btf_type_tag\("([^"]*)"\)/g, 'btf_type_tag(\\"$1\\")');
}

/** C text of struct_ops maps before the document. */
function dropLeadingText(text: string): string {
  const start = text.search(/^\{/m);
  return start < 0 ? text : text.slice(start);
}

/** The mark of a hole, merged into the variable after it. */
function dropPadding(text: string): string {
  return text.replace(/"name":"__padding","size":\d+,/g, '');
}

/** In the order in which they are applied. */
const repairs = { dropLeadingText, escapeTypeTags, escapeControls, dropPadding } as const;
export type Repair = keyof typeof repairs;

/** The text after all repairs, and which of them changed something. */
export function repair(text: string): { readonly text: string; readonly applied: readonly Repair[] } {
  const applied: Repair[] = [];
  for (const name of Object.keys(repairs) as Repair[]) {
    const repaired = repairs[name](text);
    if (repaired !== text) applied.push(name);
    text = repaired;
  }
  return { text, applied };
}
