import { describe, expect, it } from 'vitest';
import { jsonError } from './jsonError';

describe('jsonError', () => {
  it('names the line and column', () => {
    expect(jsonError('{"a": 1}')).toBeNull();
    expect(jsonError('{\n  "a": 1,\n  "b": x\n}')).toMatchObject({ line: 3, column: 8 });
    expect(jsonError('{\n  "a": 1')?.line).toBe(2);
  });
});
