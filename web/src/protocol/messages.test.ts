import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { blobOf, decodeFrame } from './messages';

const samples = join(import.meta.dirname, '../../../testdata/protocol');
const serverFrames = ['ack', 'error', 'events', 'gone', 'ping', 'response', 'resume', 'snapshot', 'snapshot_part', 'welcome'];

describe('decodeFrame', () => {
  test.each(serverFrames)('knows the sample of %s', (name) => {
    const text = readFileSync(join(samples, 'frames', `${name}.json`), 'utf8');
    const frame = decodeFrame(text);
    expect(frame).toMatchObject({ type: name });
    // Everything the sample says is kept, but for what is left out because it is empty.
    expect(frame).toMatchObject(JSON.parse(text));
  });
  test('every sample is of a known frame or of a client', () => {
    const names = readdirSync(join(samples, 'frames')).map((f) => f.replace('.json', ''));
    expect(names.filter((n) => !serverFrames.includes(n)).sort()).toEqual(['hello', 'request', 'subscribe', 'unsubscribe']);
  });
  test('an unknown type is ignored, and so is an unknown event', () => {
    expect(decodeFrame('{"type":"of tomorrow"}')).toBeUndefined();
    const frame = decodeFrame('{"type":"events","sub":"1","notebook":"a","epoch":"e","from":1,"n":2,"events":[{"type":"of tomorrow"},{"type":"renamed","notebook":"b"}]}');
    expect(frame).toMatchObject({ events: [{ type: 'renamed' }] });
  });
  test.each(['', '[]', '"x"', '{"type":"events"}', '{"type":"snapshot","sub":"1","state":{"notebook":7}}', '{"type":"ack","status":"accepted"}'])('refuses %s', (bad) => {
    expect(() => decodeFrame(bad)).toThrow();
  });
});

test('blobOf', () => {
  expect(blobOf({ runnel_blob: { hash: 'ab', size: 3, json: true } })).toEqual({ hash: 'ab', size: 3, json: true });
  expect(blobOf('text')).toBeNull();
});
