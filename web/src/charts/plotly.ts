import Plotly from 'plotly.js-dist-min';
import { figureOf } from './figure';

/**
 * Draws figures of Plotly in an output frame. Bundled apart from the page, fetched by it when the first one is shown, run in the frame
 * only.
 */
window.runnelPaint?.('plotly', async (box, chart) => {
  const plot = document.createElement('div');
  box.append(plot);
  const { data, layout, config, frames } = figureOf(JSON.parse(chart.data), chart.theme);
  await Plotly.newPlot(plot, data, layout, config);
  if (frames.length > 0) await Plotly.addFrames(plot, frames);
  return () => Plotly.purge(plot);
});
