import { Dialog } from '../../ui/Dialog';

/** Asked before the kernel's variables are lost. Enter goes on, Escape leaves all as it is. */
export function KernelDialog(props: { title: string; action: string; close: () => void; act: () => void }) {
  const { close } = props;
  return (
    <Dialog label={props.title} close={close} className="confirm">
      <p>The kernel’s variables are lost. The notebook and its outputs stay.</p>
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
            props.act();
          }}
        >
          {props.action}
        </button>
      </div>
    </Dialog>
  );
}
