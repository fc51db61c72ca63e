/** What the page and an output frame say to each other, checked: the frame runs somebody's scripts and may say anything. */

export const MAX_HEIGHT = 20_000;

export type FrameMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'height'; readonly height: number }
  | { readonly kind: 'open'; readonly href: string }
  | { readonly kind: 'escape' };

export interface FrameItem {
  readonly id: string;
  readonly rev: number;
  readonly mime: string;
  readonly data: string;
}

export function readFrameMessage(data: unknown): FrameMessage | null {
  if (typeof data !== 'object' || data === null || !('runnel' in data) || data.runnel !== 'frame' || !('kind' in data)) return null;
  switch (data.kind) {
    case 'ready':
    case 'escape':
      return { kind: data.kind };
    case 'height':
      return 'height' in data && typeof data.height === 'number' && data.height >= 0 && data.height < 1e7 ? { kind: 'height', height: Math.min(data.height, MAX_HEIGHT) } : null;
    case 'open':
      return 'href' in data && typeof data.href === 'string' && /^(https?:\/\/|mailto:)/i.test(data.href) && data.href.length < 8192 ? { kind: 'open', href: data.href } : null;
    default:
      return null;
  }
}
