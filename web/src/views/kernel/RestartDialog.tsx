import { Dialog } from '../../ui/Dialog';

/** Asked before the variables are lost. Enter restarts, Escape leaves all as it is. */
export function RestartDialog(props: { runAll: boolean; close: () => void; restart: () => void }) {
  const { close } = props;
  return (
    <Dialog label={props.runAll ? 'Restart the kernel and run all cells?' : 'Restart the kernel?'} close={close} className="confirm">
      <p>Its variables are lost. The notebook and its outputs stay.</p>
      <div className="dialog-actions">
        <button type="button" className="btn btn-line" onClick={close}>
          Cancel
        </button>
        <button
          type="button"
          className="btn btn-primary"
          data-first
          onClick={() => {
            close();
            props.restart();
          }}
        >
          Restart
        </button>
      </div>
    </Dialog>
  );
}
