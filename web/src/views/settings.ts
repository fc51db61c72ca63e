import { kept } from '../ui/local';
import { signal } from '../ui/signals';
import { theme } from '../ui/theme';

/** The person's choices, kept by the browser. */
export function createSettings() {
  return {
    theme,
    width: kept('width', ['column', 'full']),
    /** Where a code cell's outputs are. */
    outputs: kept('outputs', ['below', 'beside']),
    lineNumbers: kept('line-numbers', ['off', 'on']),
    rail: kept('rail', ['files', 'outline', 'closed']),
    /** What is installed is shown. Not kept: it asks the interpreter. */
    packages: signal(false),
    side: kept('side', ['closed', 'variables']),
  };
}
export type Settings = ReturnType<typeof createSettings>;
