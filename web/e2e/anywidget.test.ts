/** Widgets that bring their own code, at the page: a real kernel, the code in the sandboxed frame. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FrameLocator, Locator } from 'playwright-core';
import { expect, it } from 'vitest';
import { Tab } from './browser';
import { World } from './world';

const w = new World('anywidget');

const frame = (cell: Locator): FrameLocator => cell.frameLocator('iframe[title="Widget"]');
const said = (cell: Locator) => frame(cell).locator('body').innerText();

const counter = `import anywidget, traitlets
class Counter(anywidget.AnyWidget):
    _esm = """
    function render({ model, el }) {
      const button = document.createElement("button");
      const show = () => { button.textContent = "count is " + model.get("count") };
      button.className = "counter";
      button.onclick = () => { model.set("count", model.get("count") + 1); model.set("own", 1); model.save_changes(); };
      model.on("change:count", show);
      show();
      el.append(button);
      return () => button.remove();
    }
    export default { render };
    """
    _css = ".counter { color: rgb(1, 2, 3) }"
    count = traitlets.Int(0).tag(sync=True)
c = Counter()
c.observe(lambda e: print("now", e.new), "count")
c`;

it('a widget draws others that its traits refer to, and uses what they give; what the kernel changes shows in both', async () => {
  const tab = await w.python(`${counter.replace(/\nc\.observe[\s\S]*$/, '')}
class Named(anywidget.AnyWidget):
    _esm = """
    export default {
      initialize({ model }) { return { name: () => "named " + model.get("name") } },
      render({ model, el }) { el.textContent = "drawn for " + model.get("name") },
    }
    """
    name = traitlets.Unicode("Ada").tag(sync=True)
class Board(anywidget.AnyWidget):
    _esm = """
    export default { async render({ model, el, host, signal }) {
      const [say, first, second] = ["p", "div", "div"].map((name) => el.appendChild(document.createElement(name)));
      const counted = await host.getModel(model.get("counter"));
      const show = () => { say.textContent = "the board sees " + counted.get("count") };
      counted.on("change:count", show);
      show();
      await (await host.getWidget(model.get("counter"))).render({ el: first, signal });
      const named = await host.getWidget(model.get("named"));
      await named.render({ el: second });
      el.append(named.exports.name());
      await host.getWidget("nothing").catch((error) => el.append(", " + error.message));
    } }
    """
    counter = anywidget.WidgetTrait().tag(sync=True)
    named = anywidget.WidgetTrait().tag(sync=True)
c = Counter()
board = Board(counter=c, named=Named())`, 'board', 'c.count = 7');
  const [made, cell, set] = [1, 2, 3].map((i) => tab.nth(i));
  if (!made || !cell || !set) throw new Error('three cells');
  await tab.run(made);
  await tab.run(cell);
  await cell.scrollIntoViewIfNeeded();
  const all = /the board sees (\d+)\s+count is \1\s+drawn for Ada\s+named Ada, "nothing" refers to no widget/;
  await expect.poll(() => said(cell)).toMatch(all);
  await frame(cell).getByRole('button').click();
  await expect.poll(() => said(cell)).toMatch(/sees 1\s+count is 1/);
  await tab.run(set);
  await expect.poll(() => said(cell)).toMatch(/sees 7\s+count is 7/);
  await tab.page.reload();
  await tab.ready();
  await cell.scrollIntoViewIfNeeded();
  await expect.poll(() => said(cell)).toMatch(all);
  await expect.poll(() => w.server.read(w.name), { timeout: 30_000 }).toMatch(/"name": ?"Ada"/);
});

it('a button that is pressed changes the kernel and all views; the kernel changes them too; a reload and the file show it again', async () => {
  const tab = await w.python(counter, 'c', 'c.count = 40', 'import ipywidgets\nipywidgets.HBox([c, c])', 'c._css = ".counter { color: rgb(4, 5, 6) }"\nc._esm = c._esm.replace("count is ", "it is ")');
  const [one, two, set, both, reload] = [1, 2, 3, 4, 5].map((i) => tab.nth(i));
  if (!one || !two || !set || !both || !reload) throw new Error('five cells');
  for (const cell of [one, two]) await tab.run(cell);
  const button = (cell: Locator) => frame(cell).getByRole('button').first();
  const counts = (cell: Locator) => frame(cell).getByRole('button').allInnerTexts();
  await expect.poll(() => counts(one)).toEqual(['count is 0']);
  await expect.poll(() => counts(two)).toEqual(['count is 0']);
  expect(await button(one).evaluate((el) => getComputedStyle(el).color)).toBe('rgb(1, 2, 3)');

  await button(one).click();
  await button(one).click();
  await expect.poll(() => tab.output(one)).toContain('now 1\nnow 2\n');
  await expect.poll(() => counts(two)).toEqual(['count is 2']);
  await tab.run(set);
  await expect.poll(() => counts(one)).toEqual(['count is 40']);
  await tab.run(both);
  await expect.poll(() => counts(both)).toEqual(['count is 40', 'count is 40']);
  await button(both).click();
  await expect.poll(() => counts(both)).toEqual(['count is 41', 'count is 41']);

  await tab.page.reload();
  await tab.ready();
  await expect.poll(() => counts(one)).toEqual(['count is 41']);
  await button(one).click();
  await expect.poll(() => counts(two)).toEqual(['count is 42']);
  await tab.run(reload);
  await expect.poll(() => counts(one)).toEqual(['it is 42']);
  await expect.poll(() => button(one).evaluate((el) => getComputedStyle(el).color)).toBe('rgb(4, 5, 6)');
  await expect.poll(() => counts(both)).toEqual(['it is 42', 'it is 42']);
  await button(both).click();
  await expect.poll(() => tab.output(both)).toContain('now 43\n');

  const copy = `copy-${w.name}`;
  await expect.poll(() => w.server.read(w.name), { timeout: 30_000 }).toMatch(/"count": ?43/);
  await writeFile(join(w.server.folder, copy), await w.server.read(w.name));
  const closed = await Tab.open(w.context, w.server.url(copy));
  await expect.poll(() => said(closed.nth(1))).toMatch(/it is 43\s+The kernel that made this widget is gone/);
});

it('bytes go both ways: in an attribute, in a message, in a question to the kernel', async () => {
  const tab = await w.python(
    `import anywidget, traitlets
from anywidget.experimental import command
class Bytes(anywidget.AnyWidget):
    _esm = """
    export default async () => {
      const numbers = (view) => [...new Uint8Array(view.buffer, view.byteOffset, view.byteLength)].join(" ");
      return {
        initialize({ model }) {
          model.on("msg:custom", (content, [data]) => { if (content.kind === "sent") model.set("log", model.get("log") + "heard " + numbers(data) + "; "); });
        },
        render({ model, el, experimental }) {
          const pre = document.createElement("pre");
          const show = () => { pre.textContent = "has " + numbers(model.get("data")) + "; " + model.get("log") };
          model.on("change", show);
          show();
          const add = (name, does) => { const b = document.createElement("button"); b.textContent = name; b.onclick = does; el.append(b); };
          add("set", () => { model.set("data", new Uint8Array([9, 8, 7, 6]).subarray(1, 3)); model.save_changes(); });
          add("much", () => { model.set("data", new Uint8Array(2 << 20)); model.save_changes(); });
          add("send", () => model.send({ hello: "kernel" }, undefined, [new Uint8Array([1, 2, 255])]));
          add("ask", async () => { const [answer, [data]] = await experimental.invoke("double", 21, { buffers: [new Uint8Array([5])] }); model.set("log", answer + " " + numbers(data)); });
          el.append(pre);
        },
      };
    };
    """
    data = traitlets.CBytes(b"\\x00\\x01").tag(sync=True)
    log = traitlets.Unicode("").tag(sync=True)
    @command
    def double(self, msg, buffers):
        return msg * 2, [bytes(buffers[0]) * 2]
b = Bytes()
b.observe(lambda e: print("data", list(bytes(e.new))), "data")
b.on_msg(lambda _, content, buffers: print("got", content, [list(bytes(x)) for x in buffers]))
b`,
    'b.data = b"\\x07" * 40_000 + b"\\x08"\nb.send({"kind": "sent"}, [b"\\x04\\x05"])',
  );
  const [one, two] = [tab.nth(1), tab.nth(2)];
  await tab.run(one);
  await expect.poll(() => said(one)).toContain('has 0 1;');
  const press = (name: string) => frame(one).getByRole('button', { name }).click();
  await press('set');
  await expect.poll(() => tab.output(one)).toContain('data [8, 7]\n');
  expect(await said(one)).toContain('has 8 7;');
  await press('much');
  await one.getByText('too large to be sent').waitFor();
  await expect.poll(() => said(one)).toContain('has 8 7;');
  await press('send');
  await expect.poll(() => tab.output(one)).toContain("got {'hello': 'kernel'} [[1, 2, 255]]\n");
  await expect.poll(() => one.getByText('too large to be sent').count()).toBe(0);
  await tab.run(two);
  await expect.poll(() => said(one)).toMatch(/has (7 ){40000}8; heard 4 5;/);
  await press('ask');
  await expect.poll(() => said(one)).toContain('; 42 5 5');
  await tab.page.reload();
  await tab.ready();
  await expect.poll(() => said(one)).toMatch(/has (7 ){40000}8;/);
});

it('code that fails says so in its place, and the others work', async () => {
  const tab = await w.python(
    `${counter.replace(/\nc$/, '')}
import ipywidgets
def of(esm): return type("W", (anywidget.AnyWidget,), {"_esm": esm})()
broken = of("export default { render( }")
ipywidgets.VBox([broken, of("export default { initialize() { throw new Error('no start') } }"), of("export default { async render({ el }) { el.append('half '); null.x } }"), of("export const x = 1"), c])`,
    'broken._esm = "export default { render({ el }) { el.append(\'mended\') } }"',
  );
  const [one, two] = [tab.nth(1), tab.nth(2)];
  await tab.run(one);
  await expect.poll(() => said(one)).toMatch(
    /failed: SyntaxError: .*\s+.*failed: Error: no start\s+half\s+.*failed: TypeError: .*null.*\s+.*failed: Error: its module has no default export.*\s+count is 0/,
  );
  await frame(one).getByRole('button').click();
  await expect.poll(() => tab.output(one)).toContain('now 1\n');
  await tab.run(two);
  await expect.poll(() => said(one)).toMatch(/^\s*mended\s+.*no start/);
});
