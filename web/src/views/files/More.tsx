/** So many rows of a folder are shown at first: thousands would take seconds. */
export const MOST = 300;

/** What there is beyond those that are shown. */
export function More(props: { of: number; most: number; show: (most: number) => void }) {
  const left = props.of - props.most;
  if (left <= 0) return null;
  return (
    <button type="button" className="link files-more" onClick={() => props.show(props.most + 2000)}>
      {left.toLocaleString('en')} more
    </button>
  );
}
