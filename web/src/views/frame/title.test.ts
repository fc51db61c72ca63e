import { describe, expect, it } from 'vitest';
import { titleOf } from './title';

const facts = { path: 'a/churn.ipynb', waiting: false, running: 0, queued: 0, ended: null } as const;

describe('titleOf', () => {
  it('puts a question before everything', () => expect(titleOf({ ...facts, waiting: true, running: 1 })).toBe('? churn: waits for your answer'));
  it('says what runs and what ended', () => {
    expect(titleOf(facts)).toBe('churn');
    expect(titleOf({ ...facts, running: 1, queued: 2 })).toBe('(3) … churn');
    expect(titleOf({ ...facts, ended: 'error' })).toBe('✗ Failed: churn');
  });
});
