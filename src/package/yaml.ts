/** The YAML library behind names, so that bundles of either kind find them; loaded only when YAML is at hand. */
export { parse, stringify } from 'yaml';
