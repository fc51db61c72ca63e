import { describe, expect, it } from 'vitest';
import { keyText, match, type KeyLike } from './keys';

const press = (key: string, mods: Partial<KeyLike> = {}): KeyLike => ({
  key,
  code: /^[a-z]$/i.test(key) ? `Key${key.toUpperCase()}` : '',
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...mods,
});

describe('match', () => {
  it('needs exactly the modifiers it names', () => {
    expect(match('A', [press('a')], false)).toBe('full');
    expect(match('A', [press('A', { shiftKey: true })], false)).toBe('none');
    expect(match('Shift+A', [press('A', { shiftKey: true })], false)).toBe('full');
    expect(match('A', [press('a', { ctrlKey: true })], false)).toBe('none');
  });
  it('ignores caps lock', () => expect(match('D D', [press('D'), press('D')], false)).toBe('full'));
  it('knows the beginning of a sequence', () => {
    expect(match('D D', [press('d')], false)).toBe('partial');
    expect(match('D D', [press('d'), press('d')], false)).toBe('full');
    expect(match('D D', [press('d'), press('x')], false)).toBe('none');
  });
  it('takes Accel as Command on Apple and Control elsewhere', () => {
    expect(match('Accel+S', [press('s', { ctrlKey: true })], false)).toBe('full');
    expect(match('Accel+S', [press('s', { metaKey: true })], true)).toBe('full');
    expect(match('Accel+S', [press('s', { ctrlKey: true })], true)).toBe('none');
  });
  it('finds signs that Shift changes by their place', () => {
    expect(match('Ctrl+Shift+-', [press('_', { code: 'Minus', ctrlKey: true, shiftKey: true })], false)).toBe('full');
  });
  it('goes by place on another alphabet', () => expect(match('J', [press('о', { code: 'KeyJ' })], false)).toBe('full'));
  it('does not go by place on another Latin layout', () => expect(match('Q', [press('a', { code: 'KeyQ' })], false)).toBe('none'));
});

describe('keyText', () => {
  it('reads as people write keys', () => {
    expect(keyText('Accel+Shift+C', false)).toBe('Ctrl Shift C');
    expect(keyText('Accel+S', true)).toBe('⌘ S');
    expect(keyText('0 0', false)).toBe('0, 0');
  });
});
